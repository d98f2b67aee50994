import { memo, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { Id } from '../../data/ids.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Empty } from '../../ui/Empty.tsx';
import { Input } from '../../ui/Field.tsx';
import { Flash } from '../../ui/Flash.tsx';
import { type Dam, isPlaced, nameOf, search } from './dams.ts';
import styles from './dams.module.css';

const alphabet = new Intl.Collator(undefined, { numeric: true });
const page = 100; // dams that are shown at first, and added by each click

interface Props {
  dams: readonly Dam[];
  selected: Id | null;
  fresh: ReadonlySet<Id>;
  onSelect: (dam: Dam) => void;
}

// DamList lists all dams by name. A click opens a dam on the map.
export function DamList({ dams, selected, fresh, onSelect }: Props) {
  const [text, setText] = useState('');
  const [shown, setShown] = useState(page);
  const wanted = useDeferredValue(text);
  const found = useMemo(() => search(dams, wanted).toSorted((a, b) => alphabet.compare(nameOf(a), nameOf(b))), [dams, wanted]);
  const latest = useRef(onSelect);
  useEffect(() => { latest.current = onSelect; });
  const select = useCallback((dam: Dam) => latest.current(dam), []);
  return (
    <>
      <Input label="Search dams" hideLabel type="search" placeholder="Name, river or owner" value={text} onChange={(e) => { setText(e.target.value); setShown(page); }} />
      <p className={styles.count} role="status">{wanted ? `${found.length} of ${dams.length} dams` : dams.length === 1 ? '1 dam' : `${dams.length} dams`}</p>
      {found.length === 0 && wanted && <Empty title="No matching dams" action={<Button small onClick={() => setText('')}>Show all</Button>} />}
      {dams.length === 0 && <Empty title="No dams yet">Add a dam, or insert a row with a statement below.</Empty>}
      <ul className={styles.list}>
        {found.slice(0, shown).map((dam) => (
          <Item key={dam.id} dam={dam} chosen={dam.id === selected} fresh={fresh.has(dam.id)} onSelect={select} />
        ))}
      </ul>
      {found.length > shown && <Button small onClick={() => setShown(shown + page)}>Show {Math.min(page, found.length - shown)} more</Button>}
    </>
  );
}

interface ItemProps {
  dam: Dam;
  chosen: boolean;
  fresh: boolean;
  onSelect: (dam: Dam) => void;
}

const Item = memo(function Item({ dam, chosen, fresh, onSelect }: ItemProps) {
  return (
    <li>
      <button type="button" className={classes(styles.item, chosen && styles.chosen)} aria-current={chosen || undefined} onClick={() => onSelect(dam)}>
        <span className={styles.name}><Flash value={nameOf(dam)}>{nameOf(dam)}</Flash>{fresh && <Badge tone="warn">New</Badge>}{!isPlaced(dam) && <Badge>Not on the map</Badge>}</span>
        <span className={styles.about}><Flash>{[dam.river, dam.owner].filter(Boolean).join(' · ') || '—'}</Flash></span>
      </button>
    </li>
  );
});
