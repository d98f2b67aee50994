import { memo, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Avatar } from '../../ui/Avatar.tsx';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Clock, Down } from '../../ui/icons.tsx';
import styles from './Messages.module.css';
import type { Letter } from './outbox.ts';
import type { Group, Talk } from './talk.ts';
import { groupsOf } from './talk.ts';
import { useStick } from './useStick.ts';

const PART = 150; // messages that are shown at first, and more at each wish

export interface MessagesProps {
  talk: Talk;
  letters: Letter[]; // one's own that are on their way
  me: number;
  names: ReadonlyMap<number, string>;
  retry: (key: string) => void;
  discard: (key: string) => void;
}

export function Messages({ talk, letters, me, names, retry, discard }: MessagesProps) {
  const box = useRef<HTMLDivElement>(null);
  const { shown, hidden, more } = usePart(talk, box);
  const { below, toEnd } = useStick(box, talk.length + letters.length);
  const groups = useMemo(() => groupsOf(shown, dayOf), [shown]);
  useOwn(letters, toEnd);
  return (
    <div className={styles.frame}>
      <div ref={box} className={styles.box} tabIndex={0} role="log" aria-label="Messages">
        <div className={styles.list}>
          {hidden > 0 && <p className={styles.more}><Button small onClick={more}>Show earlier messages ({hidden})</Button></p>}
          {talk.length + letters.length === 0 && <p className={styles.nothing}>No messages yet.</p>}
          {groups.map((group) => <Stretch key={group.messages[0]!.id} group={group} own={group.sender === me} name={names.get(group.sender) ?? 'Former member'} />)}
          {letters.map((letter) => <Pending key={letter.key} letter={letter} retry={retry} discard={discard} />)}
        </div>
      </div>
      {below > 0 && (
        <button type="button" className={styles.pill} onClick={toEnd}>
          {below === 1 ? 'One new message' : `${below} new messages`}<Down />
        </button>
      )}
    </div>
  );
}

// usePart shows the newest messages, and keeps the place when earlier ones come in above.
function usePart(talk: Talk, box: React.RefObject<HTMLDivElement | null>) {
  const [first, setFirst] = useState(() => Math.max(0, talk.length - PART));
  const height = useRef(0);
  const more = useCallback(() => {
    height.current = box.current!.scrollHeight;
    setFirst((n) => Math.max(0, n - PART));
  }, [box]);
  useLayoutEffect(() => {
    if (height.current) box.current!.scrollTop += box.current!.scrollHeight - height.current;
    height.current = 0;
  }, [first, box]);
  const hidden = Math.min(first, Math.max(0, talk.length - PART));
  return { shown: useMemo(() => talk.slice(hidden), [talk, hidden]), hidden, more };
}

// useOwn brings what one has just written oneself into sight.
function useOwn(letters: Letter[], toEnd: () => void) {
  const newest = letters.at(-1)?.key;
  useLayoutEffect(() => {
    if (newest) toEnd();
  }, [newest, toEnd]);
}

const Stretch = memo(function Stretch({ group, own, name }: { group: Group; own: boolean; name: string }) {
  const { day, messages, sender } = group;
  return (
    <>
      {day && <p className={styles.day}>{day}</p>}
      <div className={classes(styles.stretch, own && styles.own)}>
        {!own && <Avatar name={name} id={sender} />}
        <div className={styles.words}>
          <p className={styles.who}><span className={own ? 'visually-hidden' : styles.name}>{own ? 'You' : name}</span> <time dateTime={messages[0]!.posted}>{timeOf(messages[0]!.posted)}</time></p>
          {messages.map((m) => (
            <p key={m.id} className={styles.message} title={new Date(m.posted).toLocaleString()}>{m.message}{m.edited && <span className={styles.edited}> (edited)</span>}</p>
          ))}
        </div>
      </div>
    </>
  );
});

interface PendingProps {
  letter: Letter;
  retry: (key: string) => void;
  discard: (key: string) => void;
}

function Pending({ letter: { key, text, state, why }, retry, discard }: PendingProps) {
  return (
    <div className={classes(styles.stretch, styles.own)}>
      <div className={styles.words}>
        <p className={classes(styles.message, styles[state])}>{text}</p>
        {state === 'refused' ? (
          <p className={styles.refusal} role="alert">
            Not sent: {why} <Button small variant="quiet" onClick={() => retry(key)}>Try again</Button><Button small variant="quiet" onClick={() => discard(key)}>Discard</Button>
          </p>
        ) : <p className={styles.state}><Clock />{state === 'arrived' ? 'Sent' : 'Sending'}</p>}
      </div>
    </div>
  );
}

const DAY = 24 * 60 * 60 * 1000;

function dayOf(posted: string): string {
  const when = new Date(posted);
  if (when.toDateString() === new Date().toDateString()) return 'Today';
  if (when.toDateString() === new Date(Date.now() - DAY).toDateString()) return 'Yesterday';
  return when.toLocaleDateString([], { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
}

const timeOf = (posted: string) => new Date(posted).toLocaleTimeString([], { timeStyle: 'short' });
