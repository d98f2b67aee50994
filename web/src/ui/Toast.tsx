import type { ReactNode } from 'react';
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import type { Tone } from './Badge.tsx';
import { classes } from './classes.ts';
import { Cross } from './icons.tsx';
import styles from './Toast.module.css';

const SHOWN = 6000; // milliseconds; a bad one stays until it is closed
const MOST = 4;

interface Toast {
  id: number;
  text: ReactNode;
  tone: Tone;
}

type Tell = (text: ReactNode, tone?: Tone) => void;

const Context = createContext<Tell>(() => {});

// useToast returns a function that says something at the edge of the page: toast('Saved', 'good').
// For what has been done or has failed just now; what has to be decided belongs into a Notice.
export const useToast = () => useContext(Context);

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const close = useCallback((id: number) => setToasts((all) => all.filter((t) => t.id !== id)), []);
  const tell = useMemo<Tell>(() => {
    let last = 0;
    return (text, tone = 'neutral') => {
      last += 1;
      const id = last;
      setToasts((all) => [...all, { id, text, tone }].slice(-MOST));
    };
  }, []);
  return (
    <Context value={tell}>
      {children}
      <div className={styles.toasts} role="status" aria-live="polite">
        {toasts.map((t) => <Shown key={t.id} toast={t} close={close} />)}
      </div>
    </Context>
  );
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
