import type { ReactNode } from 'react';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Panel } from '../../ui/Panel.tsx';
import type { Column } from '../../ui/Table.tsx';
import { Table } from '../../ui/Table.tsx';
import { Time } from '../../ui/Time.tsx';
import { classes } from '../../ui/classes.ts';
import type { List, Session, Topic } from './console.ts';
import { size } from './figures.ts';
import styles from './Lists.module.css';

// Topics lists the topics that have subscribers on this node, those with the most subscribers first.
export function Topics({ list, onTail }: { list: List<Topic> | undefined; onTail: (topic: string) => void }) {
  const columns: Column<Topic>[] = [
    { key: 'topic', label: 'Topic', head: true, render: ({ topic }) => <code className={styles.topic}>{topic}</code> },
    { key: 'subscribers', label: 'Subscribers', end: true, render: ({ subscribers }) => subscribers.toLocaleString() },
    { key: 'tail', label: '', hiddenLabel: 'Tail', end: true, render: ({ topic }) => <Button small variant="quiet" aria-label={`Choose ${topic} for the tail`} onClick={() => onTail(topic)}>Tail</Button> },
  ];
  return (
    <Listed title="Topics" list={list} nothing="No subscriptions on this node">
      {(rows) => <Table caption="Topics with their subscribers" columns={columns} rows={rows} rowKey={(t) => t.topic} cards={false} />}
    </Listed>
  );
}

const SESSIONS: Column<Session>[] = [
  { key: 'who', label: 'User', head: true, render: (s) => <Who session={s} /> },
  { key: 'kind', label: 'Kind', render: (s) => <Badge>{s.kind}</Badge> },
  { key: 'topics', label: 'Topics', render: (s) => <SomeTopics session={s} /> },
  { key: 'address', label: 'Address', render: (s) => <span className={styles.address}>{s.address}</span> },
  { key: 'since', label: 'Since', render: (s) => <span className={styles.since}><Time at={s.since} /></span> },
  { key: 'waiting', label: 'Queued', end: true, render: (s) => (s.queued_events > 0 ? `${s.queued_events.toLocaleString()} (${size(s.queued_bytes)})` : '0') },
];

// Sessions lists the open sockets and streams, those with the most queued events first.
export function Sessions({ list }: { list: List<Session> | undefined }) {
  return (
    <Listed cards title="Sessions" list={list} nothing="No open sockets or streams">
      {(rows) => <Table caption="Open sockets and streams" columns={SESSIONS} rows={rows} rowKey={(s) => s.name} />}
    </Listed>
  );
}

function Who({ session: { name, user, username, as } }: { session: Session }) {
  return (
    <span className={styles.who}>
      {user === null ? <span className={styles.soft}>anonymous</span> : (username ?? `user ${user}`)}
      <span className={styles.soft}>{as !== undefined ? `as user ${as}` : name}</span>
    </span>
  );
}

const NAMED = 3;

function SomeTopics({ session: { topics, topic_count: count } }: { session: Session }) {
  if (count === 0) return <span className={styles.soft}>none</span>;
  const more = count - Math.min(NAMED, topics.length);
  return (
    <span className={styles.topics} title={topics.join(', ')}>
      {topics.slice(0, NAMED).map((topic) => <code key={topic} className={styles.topic}>{topic}</code>)}
      {more > 0 && <span className={styles.soft}>and {more.toLocaleString()} more</span>}
    </span>
  );
}

interface ListedProps<Row> {
  title: string;
  list: List<Row> | undefined;
  nothing: string;
  cards?: boolean; // on a phone, rows become cards
  children: (rows: Row[]) => ReactNode;
}

// Listed is a panel of fixed height, so that nothing below it moves.
function Listed<Row>({ title, list, nothing, cards, children }: ListedProps<Row>) {
  return (
    <Panel flush title={title} actions={list && <span className={styles.soft}>{numberOf(list)}</span>}>
      <div className={classes(styles.window, cards && styles.cards)} role="region" aria-label={`${title} (scrollable)`} tabIndex={0}>
        {list && (list.rows.length > 0 ? children(list.rows) : <Empty title={nothing} />)}
      </div>
    </Panel>
  );
}

function numberOf({ rows, total }: List<unknown>): string {
  return rows.length < total ? `${rows.length.toLocaleString()} of ${total.toLocaleString()}` : total.toLocaleString();
}
