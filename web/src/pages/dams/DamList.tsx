import { useDeferredValue, useState } from 'react';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Empty } from '../../ui/Empty.tsx';
import { Input } from '../../ui/Field.tsx';
import { Flash } from '../../ui/Flash.tsx';
import { type Dam, isPlaced, nameOf, search } from './dams.ts';
import styles from './dams.module.css';

const alphabet = new Intl.Collator(undefined, { numeric: true });
const page = 100; // dams shown at once

interface Props {
  dams: readonly Dam[];
  selected: number | null;
  fresh: ReadonlySet<number>;
  onSelect: (dam: Dam) => void;
}

// DamList is all dams beside the map, by name. Choosing one goes to it.
export function DamList({ dams, selected, fresh, onSelect }: Props) {
  const [text, setText] = useState('');
  const [shown, setShown] = useState(page);
  const wanted = useDeferredValue(text);
  const found = search(dams, wanted).toSorted((a, b) => alphabet.compare(nameOf(a), nameOf(b)));
  return (
    <>
      <Input label="Search dams" hideLabel type="search" placeholder="Name, river or owner" value={text} onChange={(e) => { setText(e.target.value); setShown(page); }} />
      <p className={styles.count} role="status">{wanted ? `${found.length} of ${dams.length} dams` : dams.length === 1 ? '1 dam' : `${dams.length} dams`}</p>
      {found.length === 0 && wanted && <Empty title="No matching dams" action={<Button small onClick={() => setText('')}>Show all</Button>} />}
      {dams.length === 0 && <Empty title="No dams yet">Add a dam, or insert a row with a statement below.</Empty>}
      <ul className={styles.list}>
        {found.slice(0, shown).map((dam) => (
          <li key={dam.id}>
            <button type="button" className={classes(styles.item, dam.id === selected && styles.chosen)} aria-current={dam.id === selected || undefined} onClick={() => onSelect(dam)}>
              <span className={styles.name}><Flash value={nameOf(dam)}>{nameOf(dam)}</Flash>{fresh.has(dam.id) && <Badge tone="warn">New</Badge>}{!isPlaced(dam) && <Badge>Not on the map</Badge>}</span>
              <span className={styles.about}><Flash>{[dam.river, dam.owner].filter(Boolean).join(' · ') || '—'}</Flash></span>
            </button>
          </li>
        ))}
      </ul>
      {found.length > shown && <Button small onClick={() => setShown(shown + page)}>Show {Math.min(page, found.length - shown)} more</Button>}
    </>
  );
}
