import type { ReactNode } from 'react';
import { Badge } from '../../ui/Badge.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Progress } from '../../ui/Progress.tsx';
import type { Node } from './console.ts';
import { between, size, span } from './figures.ts';
import styles from './LogPanel.module.css';

// LogPanel shows the size and the age of the log, and their limits.
export function LogPanel({ node }: { node: Node | null }) {
  return (
    <Panel title="Log and retention" actions={node && <Retention node={node} />}>
      <div className={styles.log}>{node && <Bars node={node} />}</div>
    </Panel>
  );
}

function Retention({ node: { log } }: { node: Node }) {
  if (log.alarm) return <Badge tone="bad">Retention blocked</Badge>;
  return log.refused ? <Badge tone="warn">Retention waits for a lock</Badge> : <Badge tone="good">Retention OK</Badge>;
}

function Bars({ node: { at, log } }: { node: Node }) {
  const age = log.since ? between(log.since, at) : 0;
  const slotAge = log.slot_since ? between(log.slot_since, at) : 0;
  const slotKeep = log.keep_seconds / (log.slots - 2); // of the slots, one is being written and one is empty
  return (
    <>
      <Bar name="On disk" value={log.bytes} max={log.keep_bytes} says={`${size(log.bytes)} of about ${size(log.keep_bytes)}`} />
      <Bar name="Oldest event" value={age} max={log.keep_seconds * 1.5} says={log.since ? `${span(age)} old; kept for at least ${span(log.keep_seconds)}` : 'the log is empty'} />
      <Bar name="Current slot, size" value={log.slot_bytes} max={log.keep_bytes / log.slots} says={`${size(log.slot_bytes)} of ${size(log.keep_bytes / log.slots)}`} />
      <Bar name="Current slot, age" value={slotAge} max={slotKeep} says={log.slot_since ? `${span(slotAge)} of ${span(slotKeep)}` : 'empty'} />
      <p className={styles.explained}>
        {log.alarm
          ? <>A lock prevents the next of the {log.slots} slots from being emptied{log.refused && `, for ${span(between(log.refused, at))} now`}. Look for a long transaction or a dump.</>
          : <>When the current slot reaches its size or its age, the oldest of the {log.slots} slots is emptied.</>}
      </p>
      <p className={styles.cursor}><span>Head</span> <code title={log.cursor}>{log.cursor ?? '…'}</code></p>
    </>
  );
}

function Bar({ name, value, max, says }: { name: string; value: number; max: number; says: ReactNode }) {
  const part = max > 0 ? value / max : 0;
  return (
    <div className={styles.bar}>
      <p><span>{name}</span> <span className={styles.says}>{says}</span></p>
      <Progress label={name} value={Math.min(100, Math.round(part * 100))} tone={part > 1.25 ? 'bad' : 'accent'} />
    </div>
  );
}
