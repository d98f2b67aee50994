import type { ReactNode } from 'react';
import { useEffect, useId, useRef } from 'react';
import { Button } from './Button.tsx';
import { classes } from './classes.ts';
import styles from './Dialog.module.css';
import { Cross } from './icons.tsx';

export interface DialogProps {
  open: boolean;
  onClose: () => void; // called for Escape, the close button and a click outside
  title: string;
  children: ReactNode;
  wide?: boolean;
}

// FIRST selects what gets the focus: the first field, or the first button of the actions.
const FIRST = 'input:not([type=hidden]), select, textarea, [data-actions] button';

// Dialog is the browser's modal dialog: it keeps the focus inside, and returns it when it closes. Put the buttons last, in
// DialogActions.
export function Dialog({ open, onClose, title, children, wide }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const box = dialog.current;
    if (!open || !box) return;
    const before = document.activeElement;
    box.showModal();
    (box.querySelector<HTMLElement>(FIRST) ?? box).focus();
    return () => {
      box.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={dialog}
      className={classes(styles.dialog, wide && styles.wide)}
      aria-labelledby={id}
      onCancel={(e) => { e.preventDefault(); onClose(); }}
      onMouseDown={(e) => { if (e.target === dialog.current) onClose(); }}
    >
      <div className={styles.inside}>
        <div className={styles.head}>
          <h2 id={id}>{title}</h2>
          <button type="button" className={styles.close} aria-label="Close" onClick={onClose}><Cross /></button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className={styles.actions} data-actions>{children}</div>;
}

export interface ConfirmProps {
  open: boolean;
  title: string;
  children: ReactNode;
  action: string; // the text of the button
  danger?: boolean;
  writes?: boolean; // the action needs the server
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

// Confirm asks before an action that cannot be undone.
export function Confirm({ open, title, children, action, danger, writes, busy, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <div>{children}</div>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button variant={danger ? 'danger' : 'primary'} writes={writes} busy={busy} onClick={onConfirm}>{action}</Button>
      </DialogActions>
    </Dialog>
  );
}
