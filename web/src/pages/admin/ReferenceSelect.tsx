import type { KeyboardEvent } from 'react';
import { useId, useRef, useState } from 'react';
import { classes } from '../../ui/classes.ts';
import { Field } from '../../ui/Field.tsx';
import { Cross, Down } from '../../ui/icons.tsx';
import type { Key, Resource } from './describe.ts';
import { one, withArticle } from './describe.ts';
import styles from './ReferenceSelect.module.css';
import type { Option } from './useOptions.ts';
import { useChosen, useOptions } from './useOptions.ts';

export interface ReferenceSelectProps {
  label: string;
  hideLabel?: boolean;
  hint?: string;
  error?: string[];
  small?: boolean;
  target: Resource;
  value: unknown; // as it is stored in a row; null: none
  clearable?: boolean;
  required?: boolean;
  nothing?: string; // the placeholder while nothing is chosen
  onChange: (value: unknown) => void;
}

// ReferenceSelect chooses a row of another resource by its name. Typing filters the rows, the arrow keys move through them,
// Enter chooses.
export function ReferenceSelect({ target, value, clearable, required, nothing, onChange, ...labels }: ReferenceSelectProps) {
  const key = value === null ? null : String(value);
  const [open, setOpen] = useState(false);
  const [text, setText] = useState<string | null>(null); // null: the user has not typed
  const [reached, setReached] = useState<number | null>(null); // by the arrow keys; null: none was pressed
  const [chosen, setChosen] = useChosen(target, key);
  const options = useOptions(target, open ? (text ?? '') : null);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();

  const here = text === null ? options.rows.findIndex((o) => o.key === key) : 0;
  const active = reached ?? Math.max(here, 0);

  const close = () => { setOpen(false); setText(null); setReached(null); };
  const choose = (option: Option) => { setChosen(option); onChange(option.value); close(); };
  const type = (typed: string) => { setText(typed); setReached(null); setOpen(true); };
  const onKeyDown = (e: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[e.key];
    if (step !== undefined) {
      e.preventDefault();
      if (open) setReached(Math.min(Math.max(active + step, 0), Math.max(options.rows.length - 1, 0)));
      else setOpen(true);
    } else if (e.key === 'Enter' && open) {
      e.preventDefault();
      const option = options.rows[active];
      if (option) choose(option);
    } else if (e.key === 'Escape' && open) {
      e.preventDefault();
      e.stopPropagation();
      close();
    }
  };
  return (
    <Field {...labels}>
      {(wiring) => (
        <div className={styles.box} onBlur={(e) => { if (!e.currentTarget.contains(e.relatedTarget)) close(); }}>
          <input
            {...wiring}
            ref={input}
            className={classes(wiring.className, styles.input)}
            role="combobox"
            aria-expanded={open}
            aria-controls={list}
            aria-autocomplete="list"
            aria-required={required || undefined}
            aria-activedescendant={open && options.rows[active] ? `${list}-${active}` : undefined}
            autoComplete="off"
            spellCheck={false}
            placeholder={nothing ?? `Choose ${withArticle(one(target))}`}
            value={text ?? chosen}
            onChange={(e) => type(e.target.value)}
            onFocus={(e) => e.target.select()}
            onClick={() => setOpen(true)}
            onKeyDown={onKeyDown}
          />
          {clearable && value !== null
            ? <button type="button" className={styles.end} aria-label={`Clear ${labels.label}`} onClick={() => { onChange(null); close(); input.current?.focus(); }}><Cross /></button>
            : <span className={styles.end} aria-hidden="true"><Down /></span>}
          {open && <Options {...options} id={list} label={labels.label} active={active} chosen={key} choose={choose} />}
        </div>
      )}
    </Field>
  );
}

interface OptionsProps {
  id: string;
  label: string;
  rows: Option[];
  more: number;
  said: string;
  active: number;
  chosen: Key | null;
  choose: (option: Option) => void;
}

function Options({ id, label, rows, more, said, active, chosen, choose }: OptionsProps) {
  return (
    <div className={styles.popup}>
      <ul id={id} role="listbox" aria-label={label} className={styles.options}>
        {rows.map((option, i) => (
          <li
            key={option.key}
            id={`${id}-${i}`}
            role="option"
            aria-selected={option.key === chosen}
            className={classes(styles.option, i === active && styles.active)}
            ref={i === active ? (item) => item?.scrollIntoView({ block: 'nearest' }) : undefined}
            onMouseDown={(e) => { e.preventDefault(); choose(option); }}
          >
            <span className={styles.name}>{option.name}</span>
            {option.detail && <span className={styles.detail}>{option.detail}</span>}
          </li>
        ))}
      </ul>
      <p className={styles.said} role="status">{said || (more > 0 ? `${more.toLocaleString()} more: type to narrow the list` : '')}</p>
    </div>
  );
}
