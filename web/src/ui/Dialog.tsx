import type { ReactNode } from 'react';
import { useEffect, useId, useRef } from 'react';
import { Button } from './Button.tsx';
import { classes } from './classes.ts';
import styles from './Dialog.module.css';
import { Cross } from './icons.tsx';

export interface DialogProps {
  open: boolean;
  onClose: () => void; // Escape, the cross, a press beside it
  title: string;
  children: ReactNode;
  wide?: boolean;
}

// What has the focus at first: the field to fill in, or else the first button of the actions.
const FIRST = 'input:not([type=hidden]), select, textarea, [data-actions] button';

// Dialog is the browser's own modal dialog: it keeps the focus inside and gives it back. Put the
// buttons last, in DialogActions.
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
  action: string; // what the button says
  danger?: boolean;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

// Confirm asks before something that cannot be taken back.
export function Confirm({ open, title, children, action, danger, busy, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <div>{children}</div>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button variant={danger ? 'danger' : 'primary'} busy={busy} onClick={onConfirm}>{action}</Button>
      </DialogActions>
    </Dialog>
  );
}
