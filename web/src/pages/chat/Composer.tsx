import type { KeyboardEvent } from 'react';
import { useId, useState } from 'react';
import { useOffline } from '../../data/online.ts';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Send } from '../../ui/icons.tsx';
import styles from './Composer.module.css';

export const LONGEST = 200; // characters, as the database counts them

// Composer is the field for a new message. A draft survives a reload of the page.
export function Composer({ draftKey, send }: { draftKey: string; send: (text: string) => void }) {
  const offline = useOffline();
  const [text, setText] = useState(() => sessionStorage.getItem(draftKey) ?? '');
  const id = useId();
  const left = LONGEST - lengthOf(text);
  const change = (next: string) => {
    setText(next);
    keep(draftKey, next);
  };
  const submit = () => {
    const said = text.trim();
    if (said === '' || lengthOf(said) > LONGEST) return;
    send(said);
    change('');
  };
  const pressed = (e: KeyboardEvent) => {
    if (e.key !== 'Enter' || e.shiftKey || e.nativeEvent.isComposing) return;
    e.preventDefault();
    submit();
  };
  return (
    <form className={styles.composer} onSubmit={(e) => { e.preventDefault(); submit(); }}>
      <label htmlFor={id} className="visually-hidden">Message</label>
      <div className={styles.field}>
        <textarea id={id} dir="auto" className={styles.text} rows={1} value={text} placeholder={offline ? 'Write a message. It is sent when the connection is back.' : 'Write a message'} aria-describedby={`${id}-left`} aria-invalid={left < 0 || undefined} onChange={(e) => change(e.target.value)} onKeyDown={pressed} />
        <span id={`${id}-left`} className={classes(styles.left, left < 0 && styles.over)}><span className="visually-hidden">Characters left: </span>{left}</span>
      </div>
      <Button type="submit" variant="primary" disabled={text.trim() === '' || left < 0} aria-label="Send"><Send /></Button>
    </form>
  );
}

// lengthOf counts characters as PostgreSQL does: by code points.
export const lengthOf = (text: string) => [...text].length;

function keep(key: string, text: string) {
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // Storage may be disabled or full: the draft is kept as long as the page is open.
  }
}
