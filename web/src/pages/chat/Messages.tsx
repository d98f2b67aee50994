import { memo, useLayoutEffect, useMemo, useRef } from 'react';
import type { Id } from '../../data/ids.ts';
import { Avatar } from '../../ui/Avatar.tsx';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Clock, Down } from '../../ui/icons.tsx';
import { useVirtual } from '../../ui/useVirtual.ts';
import styles from './Messages.module.css';
import type { Letter } from './outbox.ts';
import type { Line, Talk } from './talk.ts';
import { linesOf } from './talk.ts';
import { useStick } from './useStick.ts';

const HEIGHT = 48; // pixels; of a message that was not rendered yet

export interface MessagesProps {
  talk: Talk;
  letters: Letter[]; // the user's own, on their way
  me: Id;
  names: ReadonlyMap<Id, string> | undefined; // undefined: not loaded yet
  retry: (key: string) => void;
  discard: (key: string) => void;
}

// Messages is the list of messages. It stays at its end while new ones arrive, unless the user has scrolled up.
export function Messages({ talk, letters, me, names, retry, discard }: MessagesProps) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const keys = useMemo(() => talk.map((m) => m.id), [talk]);
  const { below, toEnd } = useStick(box, talk.length + letters.length);
  const { start, end, before, after, item } = useVirtual({ keys, estimate: HEIGHT, list, box, fromEnd: true, name: `messages/${talk[0]?.id ?? ''}` });
  useShowOwn(letters, toEnd);
  return (
    <div className={styles.frame}>
      <div ref={box} className={styles.box} tabIndex={0} role="log" aria-label="Messages" data-scroll="messages" data-keep-end>
        <div className={styles.list}>
          {talk.length + letters.length === 0 && <p className={styles.nothing}>No messages yet.</p>}
          <div ref={list}>
            <div style={{ height: before }} />
            {linesOf(talk, start, end).map((line) => (
              <Message key={line.message.id} line={line} own={line.message.sender_id === me} name={nameOf(names, line.message.sender_id)} item={item} />
            ))}
            <div style={{ height: after }} />
          </div>
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

const nameOf = (names: ReadonlyMap<Id, string> | undefined, user: Id) => (names ? (names.get(user) ?? 'Former member') : '…');

// useShowOwn scrolls to a message that the user has just written.
function useShowOwn(letters: Letter[], toEnd: () => void) {
  const newest = letters.at(-1)?.key;
  useLayoutEffect(() => {
    if (newest) toEnd();
  }, [newest, toEnd]);
}

interface MessageProps {
  line: Line;
  own: boolean;
  name: string;
  item: (element: HTMLElement | null) => (() => void) | undefined;
}

const Message = memo(
  function Message({ line: { message, first, day }, own, name, item }: MessageProps) {
    const { id, sender_id, posted, message: text, edited } = message;
    return (
      <div ref={item} data-key={id} className={classes(styles.line, first && styles.first)}>
        {day && <p className={styles.day}>{dayName(day)}</p>}
        <div className={classes(styles.stretch, own && styles.own)}>
          {!own && <span className={styles.avatar}>{first && <Avatar name={name} id={sender_id} />}</span>}
          <div className={styles.words}>
            {first && <p className={styles.who}><span className={own ? 'visually-hidden' : styles.name}>{own ? 'You' : name}</span> <time dateTime={posted}>{timeOf(posted)}</time></p>}
            <p className={styles.message} title={new Date(posted).toLocaleString()}>{text}{edited && <span className={styles.edited}> (edited)</span>}</p>
          </div>
        </div>
      </div>
    );
  },
  (a, b) => a.line.message === b.line.message && a.line.first === b.line.first && a.line.day === b.line.day && a.own === b.own && a.name === b.name,
);

interface PendingProps {
  letter: Letter;
  retry: (key: string) => void;
  discard: (key: string) => void;
}

function Pending({ letter: { key, text, state, why }, retry, discard }: PendingProps) {
  return (
    <div className={classes(styles.line, styles.first)}>
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
    </div>
  );
}

const DAY = 24 * 60 * 60 * 1000;

// dayName returns the name of a day, as Line has it.
function dayName(day: string): string {
  if (day === new Date().toDateString()) return 'Today';
  if (day === new Date(Date.now() - DAY).toDateString()) return 'Yesterday';
  return new Date(day).toLocaleDateString([], { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
}

const timeOf = (posted: string) => new Date(posted).toLocaleTimeString([], { timeStyle: 'short' });
