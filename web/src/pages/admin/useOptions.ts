import { useEffect, useState } from 'react';
import { describe } from '../../data/api.ts';
import { listRows } from '../../data/rows.ts';
import type { Key, Resource, Row } from './describe.ts';
import { keyOf, labelField, nameOf, one, sortable } from './describe.ts';
import { findRow } from './useRow.ts';

export interface Option {
  key: Key;
  value: unknown; // the key as it is stored in a row
  name: string;
  detail: string; // distinguishes rows with the same name
}

const SHOWN = 20;
const TYPING = 150; // milliseconds

// useOptions returns the rows that match a search; none while search is null.
export function useOptions(target: Resource, search: string | null): { rows: Option[]; more: number; said: string } {
  const [found, setFound] = useState<{ rows: Option[]; more: number; said: string }>({ rows: [], more: 0, said: '' });
  useEffect(() => {
    if (search === null) return;
    const visit = new AbortController();
    const timer = setTimeout(() => {
      searchRows(target, search, visit.signal).then(setFound, (error) => {
        if (!visit.signal.aborted) setFound({ rows: [], more: 0, said: describe(error) });
      });
    }, search === '' ? 0 : TYPING);
    return () => { clearTimeout(timer); visit.abort(); };
  }, [target, search]);
  return found;
}

async function searchRows(target: Resource, search: string, signal: AbortSignal) {
  const label = labelField(target);
  const words = search.trim().slice(0, 100);
  const { rows, total } = await listRows(target.name, {
    limit: SHOWN, ordering: label && sortable(label) ? label.name : undefined, search: words || undefined,
  }, signal);
  const options = rows.map((row) => ({ key: keyOf(target, row), value: row[target.key], name: nameOf(target, row), detail: detailOf(target, row) }));
  const none = words ? `No match for “${words}”` : `No ${one(target).toLowerCase()}s yet`;
  return { rows: options, more: total - options.length, said: options.length ? '' : none };
}

// detailOf returns the other texts of a row.
export function detailOf(target: Resource, row: Row): string {
  return target.fields
    .filter((f) => f.type === 'text' && f.name !== target.label && f.name !== target.key && !f.choices)
    .map((f) => row[f.name]).filter(Boolean).slice(0, 2).join(' ');
}

// useChosen returns the name of the chosen row, and a function that sets it when the user chooses another.
export function useChosen(target: Resource, value: Key | null): [string, (option: Option) => void] {
  const [named, setNamed] = useState<{ key: Key; name: string } | null>(null);
  useEffect(() => {
    if (value === null || (named && named.key === value)) return;
    const visit = new AbortController();
    findRow(target, value, visit.signal).then(
      (row) => setNamed({ key: value, name: row ? nameOf(target, row) : `${one(target)} ${value}` }),
      () => { if (!visit.signal.aborted) setNamed({ key: value, name: `${one(target)} ${value}` }); },
    );
    return () => visit.abort();
  }, [target, value, named]);
  return [value === null ? '' : named && named.key === value ? named.name : '…', setNamed];
}
