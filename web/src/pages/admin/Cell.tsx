import { Link } from 'wouter';
import { stringify } from '../../data/json.ts';
import type { Tone } from '../../ui/Badge.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Check, Cross } from '../../ui/icons.tsx';
import { Time } from '../../ui/Time.tsx';
import styles from './Cell.module.css';
import { rowAddress } from './catalog.tsx';
import type { Field, Key } from './describe.ts';
import { one } from './describe.ts';
import type { Names } from './names.ts';
import { choiceLabel } from './values.ts';

// Cell shows a value.
export function Cell({ field, value, names }: { field: Field; value: unknown; names: Names }) {
  if (value === null || value === undefined || value === '') return <span className={styles.none}>—<span className="visually-hidden"> empty</span></span>;
  if (field.references) return <Referred to={field.references.resource} at={String(value)} names={names} />;
  if (field.choices) return <Badge tone={toneOf(value)}>{choiceLabel(value)}</Badge>;
  switch (field.type) {
    case 'boolean': return <Mark yes={value === true} />;
    case 'datetime': return <span className={styles.time}><Time at={String(value)} date /></span>;
    case 'json':
    case 'other': return <code className={styles.long}>{typeof value === 'string' ? value : stringify(value)}</code>;
  }
  return <span className={styles.long} title={String(value).length > 12 ? String(value) : undefined}>{String(value)}</span>;
}

// Referred is a link to another row.
function Referred({ to, at, names }: { to: string; at: Key; names: Names }) {
  return <Link href={rowAddress(to, at)} className={styles.referred}>{names[to]?.[at] ?? `${one({ name: to })} ${at}`}</Link>;
}

function Mark({ yes }: { yes: boolean }) {
  return (
    <span className={yes ? styles.yes : styles.no}>
      {yes ? <Check /> : <Cross />}<span className="visually-hidden">{yes ? 'Yes' : 'No'}</span>
    </span>
  );
}

const TONES: Record<string, Tone> = {
  pending: 'warn', waiting: 'warn', queued: 'neutral', running: 'accent', open: 'accent', new: 'accent',
  admitted: 'good', accepted: 'good', approved: 'good', active: 'good', done: 'good', paid: 'good',
  denied: 'bad', refused: 'bad', rejected: 'bad', failed: 'bad', cancelled: 'bad',
};

// toneOf returns a colour for words that mean the same in most tables.
export const toneOf = (value: unknown): Tone => TONES[String(value).toLowerCase()] ?? 'neutral';
