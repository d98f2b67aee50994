import { useMemo } from 'react';
import { Link } from 'wouter';
import type { Column } from '../../ui/Table.tsx';
import { Table } from '../../ui/Table.tsx';
import { rowAddress } from './catalog.tsx';
import { Cell } from './Cell.tsx';
import type { Field, Resource, Row } from './describe.ts';
import { fieldLabel, keyOf, nameOf, one, sortable, words } from './describe.ts';
import type { Names } from './names.ts';
import type { ListState } from './query.ts';
import styles from './Rows.module.css';
import type { List } from './useList.ts';
import { useArrivals } from './useList.ts';
import type { Selection } from './useSelection.ts';

export interface RowsProps {
  resource: Resource;
  listing: NonNullable<List['listing']>;
  state: ListState;
  change: (next: Partial<ListState>) => void;
  selection: Selection;
}

// Rows is the table of a list. The name of a row is a link to its form.
export function Rows({ resource, listing, state, change, selection }: RowsProps) {
  const arrived = useArrivals(resource, listing);
  const { names, rows } = listing;
  const digits = Math.max(1, ...rows.map((row) => keyOf(resource, row).length));
  const columns = useMemo(() => {
    const fields = listed(resource, digits).map((f) => columnOf(resource, f, names, digits));
    return resource.delete ? [choosing(resource, selection), ...fields] : fields;
  }, [resource, names, selection, digits]);
  if (rows.length === 0) return null;
  const version = (row: Row) => (arrived(row) ? JSON.stringify(row) : 'new');
  return (
    <div className={styles.rows}>
      <Table
        caption={words(resource.name)}
        columns={columns}
        rows={rows}
        rowKey={(row) => keyOf(resource, row)}
        version={version}
        sort={state.sort}
        onSort={(key) => change({ sort: { key, descending: state.sort.key === key && !state.sort.descending } })}
      />
    </div>
  );
}

const ROOM = 52.5; // rem

// listed returns the fields that fit into a list. Read-only fields are left out first, from the end.
export function listed(resource: Resource, digits = 1): Field[] {
  const shown = [...resource.fields];
  const wide = () => shown.reduce((sum, f) => sum + widthOf(resource, f, digits), 0) > ROOM;
  for (const f of resource.fields.toReversed()) {
    if (wide() && f.read_only && f.name !== resource.key && f.name !== resource.label) shown.splice(shown.indexOf(f), 1);
  }
  return shown;
}

const isNumber = (field: Field) => !field.references && !field.choices && ['integer', 'number', 'decimal'].includes(field.type);

// widthOf returns the width of a field's column, in rem. digits is the length of the longest key.
function widthOf(resource: Resource, field: Field, digits: number): number {
  if (field.name === resource.key) return field.type !== 'integer' ? 9 : digits <= 6 ? 4.5 : digits <= 12 ? 8 : 12;
  if (field.type === 'boolean') return 5.5;
  if (field.type === 'datetime' || field.type === 'timestamp') return 11.75;
  if (field.choices || isNumber(field)) return 6.5;
  return field.name === resource.label ? 11 : 8;
}

function columnOf(resource: Resource, field: Field, names: Names, digits: number): Column<Row> {
  const head = field.name === resource.label;
  return {
    key: field.name,
    label: fieldLabel(field),
    sortable: sortable(field),
    head,
    end: isNumber(field) && field.name !== resource.key,
    width: `${widthOf(resource, field, digits)}rem`,
    render: (row) => (head ? <Name resource={resource} row={row} /> : <Cell field={field} value={row[field.name]} names={names} />),
  };
}

function Name({ resource, row }: { resource: Resource; row: Row }) {
  const name = nameOf(resource, row);
  const key = keyOf(resource, row);
  return <Link href={rowAddress(resource.name, key)} className={styles.name} title={`Open ${one(resource).toLowerCase()} ${key}`}>{resource.label === resource.key ? key : name}</Link>;
}

// choosing returns the column of check boxes.
function choosing(resource: Resource, selection: Selection): Column<Row> {
  return {
    key: ' chosen',
    label: '',
    hiddenLabel: 'Select',
    width: '3.25rem',
    render: (row) => (
      <input type="checkbox" className={styles.box} checked={selection.has(row)} aria-label={`Select ${nameOf(resource, row)}`} onChange={() => selection.toggle(row)} />
    ),
  };
}
