import type { ReactNode } from 'react';
import type { Tone } from '../../ui/Badge.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { classes } from '../../ui/classes.ts';
import { Panel } from '../../ui/Panel.tsx';
import type { Look, Node, State } from './console.ts';
import { between, rate, span } from './figures.ts';
import styles from './Status.module.css';

interface Saying {
  tone: Tone;
  word: string;
  says: string;
}

const SAYINGS: Record<State, Saying> = {
  armed: { tone: 'good', word: 'Armed', says: 'Waiting for a ring (NOTIFY). Events arrive within milliseconds of their commit.' },
  busy: { tone: 'accent', word: 'Busy', says: 'Many transactions write, so rings are off: the log is polled every few milliseconds.' },
  arming: { tone: 'accent', word: 'Polling', says: 'The log is polled until every writer rings again.' },
  reconnecting: { tone: 'bad', word: 'Reconnecting', says: 'The connection to the database is lost. Sockets stay open, and no event is lost.' },
};

// Status shows the state of the node's listener: a word, a sentence, and details.
export function Status({ node, trouble }: Look) {
  const { tone, word, says } = sayingOf(node, trouble);
  return (
    <Panel>
      <div className={styles.status}>
        <p className={styles.word} role="status"><Badge tone={tone}>{word}</Badge></p>
        <p className={styles.says}>{says}</p>
      </div>
      <dl className={classes(styles.facts, trouble && styles.old)}>{node && <Facts node={node} />}</dl>
      <Words />
    </Panel>
  );
}

const WORDS = {
  'Ring': 'A NOTIFY that a writer sends when it commits, so that this node polls the log at once.',
  'Poll': 'A query for new events in the log. Without rings there is about one per second.',
  'LISTEN': 'Whether the database has confirmed that this node receives rings.',
  'Own ring': 'A ring that this node sends to itself, to check that rings arrive.',
  'Gate': 'The switch that says whether writers ring. While many transactions write, rings are off and the log is polled. One of the nodes moves the switch.',
};

// Words explains the terms.
function Words() {
  return (
    <details className={styles.words}>
      <summary>What these terms mean</summary>
      <dl>{Object.entries(WORDS).map(([word, means]) => <div key={word}><dt>{word}</dt><dd>{means}</dd></div>)}</dl>
    </details>
  );
}

function sayingOf(node: Node | null, trouble: string): Saying {
  if (trouble) return { tone: 'bad', word: 'No answer', says: `${trouble} The values below are old. The page tries again every second.` };
  if (!node) return { tone: 'neutral', word: 'Loading', says: 'Loading the state of the node.' };
  return SAYINGS[node.listener.state];
}

function Facts({ node: { at, listener } }: { node: Node }) {
  const { gate } = listener;
  return (
    <>
      <Fact name="LISTEN">{listener.confirmed ? 'Confirmed' : 'Not confirmed'}</Fact>
      <Fact name="Own ring">{listener.heard ? 'Came back' : gate.deaf ? 'Does not arrive' : 'Not yet'}</Fact>
      <Fact name="Writers">{gate.ringing ? 'Ring' : gate.full ? 'Silent: queue full' : 'Silent'}</Fact>
      <Fact name="Gate moved by">{gate.keeper ? 'This node' : 'Another node'}</Fact>
      <Fact name="Rings per second" figure>{rate(listener.rings_per_second)}</Fact>
      <Fact name="Polls per second" figure>{rate(listener.polls_per_second)}</Fact>
      <Fact name="Last poll" figure>{listener.last_poll ? `${span(between(listener.last_poll, at))} ago` : 'none yet'}</Fact>
      <Fact name="Reconnects" figure>{listener.reconnects.toLocaleString()}</Fact>
    </>
  );
}

function Fact({ name, figure, children }: { name: string; figure?: boolean; children: ReactNode }) {
  return <div><dt>{name}</dt><dd className={figure ? styles.figure : undefined}>{children}</dd></div>;
}
