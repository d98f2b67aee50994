import { memo, useLayoutEffect, useRef } from 'react';
import { stringify } from '../../data/json.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Empty } from '../../ui/Empty.tsx';
import styles from './Events.module.css';
import type { Follow, Line, Tail } from './useTail.ts';

const NEAR = 40; // pixels from the end that count as the end

// Events shows the events in a box of fixed height, newest last. The box stays scrolled to its end, unless the user has
// scrolled up.
export function Events({ tail, following }: { tail: Tail; following: Follow | null }) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const scrolled = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current!;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
  };
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [tail.lines]);
  return (
    <div ref={box} onScroll={scrolled} className={styles.window} role="region" aria-label="Events of the live tail (scrollable)" tabIndex={0}>
      <div role="log" aria-label="New events" aria-relevant="additions">
        <ol>{tail.lines.map((line) => <One key={line.key} line={line} />)}</ol>
      </div>
      {tail.lines.length === 0 && <Nothing tail={tail} following={following} />}
    </div>
  );
}

function Nothing({ tail, following }: { tail: Tail; following: Follow | null }) {
  if (!following) return <Empty title="Choose a topic and a user"><p>The tail shows exactly the events that this user receives.</p></Empty>;
  if (tail.standing === 'over') return <Empty title="No events to show"><p>Choose a user who may follow this topic, or another topic.</p></Empty>;
  return <Empty title={`No events on ${following.topic} yet`}><p>New events appear here as they are committed.</p></Empty>;
}

const One = memo(function One({ line }: { line: Line }) {
  if (line.reset) {
    return <li className={styles.reset}><Badge tone="warn">reset</Badge> {line.reset}: subscribers take a new snapshot</li>;
  }
  return (
    <li className={styles.line}>
      <details>
        <summary>
          <time dateTime={line.time} title={line.time}>{clock(line.time)}</time>
          <span className={styles.type}>{line.type}</span>
          <code className={styles.topic}>{line.topic}</code>
          <code className={styles.data}>{stringify(line.data)}</code>
        </summary>
        <pre>{stringify(line.data, 2)}</pre>
        <p className={styles.id}>id {line.id}, written {new Date(line.time).toLocaleString()}</p>
      </details>
    </li>
  );
});

// clock returns the time of day with milliseconds.
function clock(time: string): string {
  const when = new Date(time);
  return `${when.toLocaleTimeString([], { hour12: false })}.${String(when.getMilliseconds()).padStart(3, '0')}`;
}
