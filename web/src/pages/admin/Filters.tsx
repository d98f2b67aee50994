import { useEffect, useRef, useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Input, Select } from '../../ui/Field.tsx';
import { useCatalog } from './catalog.tsx';
import type { Field, Resource } from './describe.ts';
import { fieldLabel, filterable } from './describe.ts';
import styles from './Filters.module.css';
import type { ListState } from './query.ts';
import { narrowed } from './query.ts';
import { ReferenceSelect } from './ReferenceSelect.tsx';
import { choiceLabel } from './values.ts';

export interface FiltersProps {
  resource: Resource;
  state: ListState;
  change: (next: Partial<ListState>) => void;
}

// Filters are the search field and the filters of a list.
export function Filters({ resource, state, change }: FiltersProps) {
  const choose = (name: string, value: string | null) => {
    const { [name]: _, ...others } = state.filters;
    change({ filters: value === null ? others : { ...others, [name]: value } });
  };
  return (
    <div role="search" className={styles.filters}>
      <Search text={state.search} search={(search) => change({ search })} />
      {resource.fields.filter(filterable).map((f) => <Filter key={f.name} field={f} value={state.filters[f.name] ?? null} choose={(value) => choose(f.name, value)} />)}
      <div className={styles.clear}>
        <Button small variant="quiet" disabled={!narrowed(state)} onClick={() => change({ search: '', filters: {} })}>Show all</Button>
      </div>
    </div>
  );
}

const TYPING = 250; // milliseconds

// Search starts a search when the user pauses typing.
function Search({ text, search }: { text: string; search: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  const [sent, setSent] = useState(text);
  if (text !== sent) { // the text was changed elsewhere
    setSent(text);
    setTyped(text);
  }
  const latest = useRef(search);
  useEffect(() => { latest.current = search; });
  useEffect(() => {
    if (typed === sent) return;
    const timer = setTimeout(() => { setSent(typed); latest.current(typed); }, TYPING);
    return () => clearTimeout(timer);
  }, [typed, sent]);
  return <Input label="Search" type="search" maxLength={100} placeholder="Text or key" value={typed} onChange={(e) => setTyped(e.target.value)} />;
}

function Filter({ field, value, choose }: { field: Field; value: string | null; choose: (value: string | null) => void }) {
  const { find } = useCatalog();
  const target = field.references && find(field.references.resource);
  const label = fieldLabel(field);
  if (target) {
    return <ReferenceSelect label={label} target={target} value={value} clearable nothing="Any" onChange={(key) => choose(key === null ? null : String(key))} />;
  }
  const options = field.type === 'boolean'
    ? [{ value: 'true', label: 'Yes' }, { value: 'false', label: 'No' }]
    : (field.choices ?? []).map((c) => ({ value: String(c), label: choiceLabel(c) }));
  return <Select label={label} options={[{ value: '', label: 'Any' }, ...options]} value={value ?? ''} onChange={(e) => choose(e.target.value || null)} />;
}
