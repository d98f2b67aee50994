import { useEffect, useState } from 'react';
import { classes } from './classes.ts';
import styles from './CopyLine.module.css';
import { Check, Copy } from './icons.tsx';

// CopyLine shows a line for a terminal, with a button that copies it. If copies is given, the button copies that instead.
export function CopyLine({ text, copies, label, wrap }: { text: string; copies?: string; label: string; wrap?: boolean }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <div className={styles.line}>
      <code className={classes(styles.text, wrap && styles.wrap)} tabIndex={0} role="group" aria-label={label}>{text}</code>
      <button type="button" className={classes(styles.copy, done && styles.done)} title="Copy" aria-label={`Copy: ${label}`} onClick={() => void copy(copies ?? text).then(setDone)}>
        {done ? <Check /> : <Copy />}
      </button>
      <span className="visually-hidden" role="status">{done ? 'Copied' : ''}</span>
    </div>
  );
}

// copy puts a text into the clipboard, and returns whether it succeeded. Over plain HTTP, except on localhost, browsers only
// have the old command.
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

function copyOldWay(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
