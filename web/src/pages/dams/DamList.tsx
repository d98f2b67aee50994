import { memo, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { Id } from '../../data/ids.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Empty } from '../../ui/Empty.tsx';
import { Input } from '../../ui/Field.tsx';
import { Flash } from '../../ui/Flash.tsx';
import { type Item, useVirtual } from '../../ui/useVirtual.ts';
import { type Dam, isPlaced, nameOf, search } from './dams.ts';
import styles from './dams.module.css';

const alphabet = new Intl.Collator(undefined, { numeric: true });

interface Props {
  dams: readonly Dam[];
  selected: Id | null;
  fresh: ReadonlySet<Id>;
  onSelect: (dam: Dam) => void;
}

// DamList lists all dams by name. A click opens a dam on the map.
export function DamList({ dams, selected, fresh, onSelect }: Props) {
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text);
  const found = useMemo(() => search(dams, wanted).toSorted((a, b) => alphabet.compare(nameOf(a), nameOf(b))), [dams, wanted]);
  const list = useRef<HTMLUListElement>(null);
  const keys = useMemo(() => found.map(({ id }) => id), [found]);
  const { start, end, before, after, item } = useVirtual({ keys, estimate: 66, list, name: 'dams' });
  const latest = useRef(onSelect);
  useEffect(() => { latest.current = onSelect; });
  const select = useCallback((dam: Dam) => latest.current(dam), []);
  return (
    <>
      <Input label="Search dams" hideLabel type="search" placeholder="Name, river or owner" value={text} onChange={(e) => setText(e.target.value)} />
      <p className={styles.count} role="status">{wanted ? `${found.length} of ${dams.length} dams` : dams.length === 1 ? '1 dam' : `${dams.length} dams`}</p>
      {found.length === 0 && wanted && <Empty title="No matching dams" action={<Button small onClick={() => setText('')}>Show all</Button>} />}
      {dams.length === 0 && <Empty title="No dams yet">Add a dam, or insert a row with a statement below.</Empty>}
      <div className={styles.list}>
        <ul ref={list}>
          {before > 0 && <li aria-hidden="true" style={{ height: before }} />}
          {found.slice(start, end).map((dam) => (
            <Entry key={dam.id} dam={dam} chosen={dam.id === selected} fresh={fresh.has(dam.id)} onSelect={select} item={item} />
          ))}
          {after > 0 && <li aria-hidden="true" style={{ height: after }} />}
        </ul>
      </div>
    </>
  );
}

interface EntryProps {
  dam: Dam;
  chosen: boolean;
  fresh: boolean;
  onSelect: (dam: Dam) => void;
  item: Item;
}

const Entry = memo(function Entry({ dam, chosen, fresh, onSelect, item }: EntryProps) {
  return (
    <li ref={item} data-key={dam.id} className={styles.entry}>
      <button type="button" className={classes(styles.item, chosen && styles.chosen)} aria-current={chosen || undefined} onClick={() => onSelect(dam)}>
        <span className={styles.name}><Flash value={nameOf(dam)}>{nameOf(dam)}</Flash>{fresh && <Badge tone="warn">New</Badge>}{!isPlaced(dam) && <Badge>Not on the map</Badge>}</span>
        <span className={styles.about}><Flash>{[dam.river, dam.owner].filter(Boolean).join(' · ') || '—'}</Flash></span>
      </button>
    </li>
  );
});
