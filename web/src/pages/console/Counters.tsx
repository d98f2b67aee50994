import type { Node } from './console.ts';
import styles from './Counters.module.css';
import { rate, size } from './figures.ts';

// Counters shows the counters of the node.
export function Counters({ node }: { node: Node | null }) {
  return (
    <dl className={styles.counters} aria-label="Counters of this node">
      {tilesOf(node).map(({ name, value, says }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={styles.value}>{value}</dd>
          <dd className={styles.says}>{says}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Tile {
  name: string;
  value: string;
  says: string;
}

const NONE = '–';

function tilesOf(node: Node | null): Tile[] {
  if (!node) return ['Events read', 'Delivered', 'Sessions', 'Subscriptions', 'Queued', 'Resets'].map((name) => ({ name, value: NONE, says: '\u00a0' }));
  const { counts, listener, open } = node;
  const sessions = Object.values(open).reduce((sum, n) => sum + n, 0);
  return [
    { name: 'Events read', value: counts.events_read.toLocaleString(), says: `${rate(listener.events_per_second)} per second` },
    { name: 'Delivered', value: counts.events_handed_out.toLocaleString(), says: `${rate(listener.handed_out_per_second)} per second` },
    { name: 'Sessions', value: sessions.toLocaleString(), says: kinds(open) },
    { name: 'Subscriptions', value: counts.subscriptions.toLocaleString(), says: catchingUp(counts.subscriptions - counts.live, counts.held) },
    { name: 'Queued', value: counts.queued_events.toLocaleString(), says: `${size(counts.queued_bytes)} for readers` },
    { name: 'Resets', value: Object.values(counts.resets).reduce((sum, n) => sum + n, 0).toLocaleString(), says: `${counts.slow_readers.toLocaleString()} slow readers` },
  ];
}

function kinds(open: Node['open']): string {
  const there = Object.entries(open).filter(([, n]) => n > 0);
  return there.map(([kind, n]) => `${n.toLocaleString()}\u00a0${kind}`).join(' · ') || 'none';
}

function catchingUp(behind: number, held: number): string {
  if (held > 0) return `${held.toLocaleString()} waiting for access`;
  return behind > 0 ? `${behind.toLocaleString()} catching up` : 'all live';
}
