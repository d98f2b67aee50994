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

// Rows is the table. The name of a row leads to its form.
export function Rows({ resource, listing, state, change, selection }: RowsProps) {
  const arrived = useArrivals(resource, listing);
  if (listing.rows.length === 0) return null;
  const columns = listed(resource).map((f) => columnOf(resource, f, listing.names));
  const version = (row: Row) => (arrived(row) ? JSON.stringify(row) : 'new');
  return (
    <div className={styles.rows}>
      <Table
        caption={words(resource.name)}
        columns={resource.delete ? [choosing(resource, selection), ...columns] : columns}
        rows={listing.rows}
        rowKey={(row) => keyOf(resource, row)}
        version={version}
        sort={state.sort}
        onSort={(key) => change({ sort: { key, descending: state.sort.key === key && !state.sort.descending } })}
      />
    </div>
  );
}

const ROOM = 52.5; // rem

// listed are the fields that a list has room for: what nobody writes is left out first, from the end.
export function listed(resource: Resource): Field[] {
  const shown = [...resource.fields];
  const wide = () => shown.reduce((sum, f) => sum + widthOf(resource, f), 0) > ROOM;
  for (const f of resource.fields.toReversed()) {
    if (wide() && f.read_only && f.name !== resource.key && f.name !== resource.label) shown.splice(shown.indexOf(f), 1);
  }
  return shown;
}

const isNumber = (field: Field) => !field.references && !field.choices && ['integer', 'number', 'decimal'].includes(field.type);

// widthOf is what values of a field need, in rem.
function widthOf(resource: Resource, field: Field): number {
  if (field.name === resource.key) return field.type === 'integer' ? 4.5 : 9;
  if (field.type === 'boolean') return 5.5;
  if (field.type === 'datetime' || field.type === 'timestamp') return 11.75;
  if (field.choices || isNumber(field)) return 6.5;
  return field.name === resource.label ? 11 : 8;
}

function columnOf(resource: Resource, field: Field, names: Names): Column<Row> {
  const head = field.name === resource.label;
  return {
    key: field.name,
    label: fieldLabel(field),
    sortable: sortable(field),
    head,
    end: isNumber(field) && field.name !== resource.key,
    width: `${widthOf(resource, field)}rem`,
    render: (row) => (head ? <Name resource={resource} row={row} /> : <Cell field={field} value={row[field.name]} names={names} />),
  };
}

function Name({ resource, row }: { resource: Resource; row: Row }) {
  const name = nameOf(resource, row);
  const key = String(keyOf(resource, row));
  return <Link href={rowAddress(resource.name, keyOf(resource, row))} className={styles.name} title={`Open ${one(resource).toLowerCase()} ${key}`}>{resource.label === resource.key ? key : name}</Link>;
}

// choosing is the column of check boxes.
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
