import type { ReactNode } from 'react';
import { createContext, useContext, useEffect, useMemo, useState } from 'react';
import type { Tone } from './Badge.tsx';
import { classes } from './classes.ts';
import { Cross } from './icons.tsx';
import styles from './Toast.module.css';

const SHOWN = 6000; // milliseconds; a bad toast stays until it is closed
const MOST = 4;

interface Toast {
  id: number;
  key: string | undefined;
  text: ReactNode;
  tone: Tone;
}

// Toaster shows a short message at the edge of the page: toast('Saved', 'good'). Use it for what has just been done or has
// failed; use a Notice for a decision.
//
// A toast with a key can become outdated. withdraw removes it, or keeps it from being shown later, until permit is called:
// the event that makes it outdated may arrive before the answer that causes it.
export interface Toaster {
  (text: ReactNode, tone?: Tone, key?: string): void;
  withdraw: (key: string) => void;
  permit: (key: string) => void;
}

const Context = createContext<Toaster>(Object.assign(() => {}, { withdraw() {}, permit() {} }));

export const useToast = () => useContext(Context);

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const { toaster, close } = useMemo(() => newToaster(setToasts), []);
  return (
    <Context value={toaster}>
      {children}
      <div className={styles.toasts} role="status" aria-live="polite">
        {toasts.map((t) => <Shown key={t.id} toast={t} close={close} />)}
      </div>
    </Context>
  );
}

type Change = (change: (all: Toast[]) => Toast[]) => void;

// newToaster returns a toaster that keeps its toasts with `change`, and a function that closes a toast.
export function newToaster(change: Change): { toaster: Toaster; close: (id: number) => void } {
  let last = 0;
  const withdrawn = new Set<string>();
  const show = (text: ReactNode, tone: Tone = 'neutral', key?: string) => {
    if (key !== undefined && withdrawn.has(key)) return;
    last += 1;
    const toast = { id: last, key, text, tone };
    change((all) => [...all, toast].slice(-MOST));
  };
  const toaster = Object.assign(show, {
    withdraw(key: string) {
      withdrawn.add(key);
      change((all) => (all.some((t) => t.key === key) ? all.filter((t) => t.key !== key) : all));
    },
    permit(key: string) {
      withdrawn.delete(key);
    },
  });
  return { toaster, close: (id) => change((all) => all.filter((t) => t.id !== id)) };
}

function Shown({ toast, close }: { toast: Toast; close: (id: number) => void }) {
  useEffect(() => {
    if (toast.tone === 'bad') return;
    const timer = setTimeout(() => close(toast.id), SHOWN);
    return () => clearTimeout(timer);
  }, [toast, close]);
  return (
    <div className={classes(styles.toast, styles[toast.tone])}>
      <div className={styles.text}>{toast.text}</div>
      <button type="button" className={styles.close} aria-label="Close" onClick={() => close(toast.id)}><Cross /></button>
    </div>
  );
}
