import type { ReactNode } from 'react';
import { classes } from './classes.ts';
import { useFlash } from './Flash.tsx';
import styles from './Table.module.css';

export interface Column<Row> {
  key: string;
  label: string; // empty for a column of buttons; then give hiddenLabel
  hiddenLabel?: string;
  render: (row: Row) => ReactNode;
  end?: boolean; // numbers and buttons stand at the right
  head?: boolean; // this cell names the row
  sortable?: boolean;
  width?: string; // at least; give it to all columns or to none: then nothing moves when rows come and go
}

export interface TableProps<Row> {
  caption: string; // for screen readers: a table of what
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
  version?: (row: Row) => unknown; // the row lights up when this changes
  selected?: (row: Row) => boolean;
  below?: (row: Row) => ReactNode; // what stands under a row, from edge to edge
  sort?: { key: string; descending: boolean };
  onSort?: (key: string) => void;
  cards?: boolean; // on a phone, rows become cards; true
}

// Table shows rows under column heads. Rows keep their place and their focus while others come and go.
export function Table<Row>({ caption, columns, rows, rowKey, version, selected, below, sort, onSort, cards = true }: TableProps<Row>) {
  return (
    <div className={styles.scroll}>
      <table className={classes(styles.table, cards && styles.cards, columns[0]?.width && styles.fixed)}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>{columns.map((c) => <Head key={c.key} column={c} sort={sort} onSort={onSort} />)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => <Line key={rowKey(row)} row={row} columns={columns} version={version?.(row)} selected={selected?.(row)} below={below?.(row)} />)}
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>({ column, sort, onSort }: { column: Column<Row>; sort?: TableProps<Row>['sort']; onSort?: (key: string) => void }) {
  const direction = sort?.key !== column.key ? undefined : sort.descending ? 'descending' : 'ascending';
  const label = column.label || <span className="visually-hidden">{column.hiddenLabel}</span>;
  return (
    <th scope="col" className={column.end ? styles.end : undefined} aria-sort={direction} style={column.width ? { width: column.width } : undefined}>
      {column.sortable && onSort ? <button type="button" className={styles.sort} onClick={() => onSort(column.key)}>{label}</button> : label}
    </th>
  );
}

interface LineProps<Row> {
  row: Row;
  columns: Column<Row>[];
  version: unknown;
  selected?: boolean;
  below?: ReactNode;
}

function Line<Row>({ row, columns, version, selected, below }: LineProps<Row>) {
  const line = useFlash<HTMLTableRowElement>(version, { row: true });
  return (
    <>
      <tr ref={line} className={selected ? styles.selected : undefined} aria-current={selected || undefined}>
        {columns.map((c) => {
          const Cell = c.head ? 'th' : 'td';
          return <Cell key={c.key} scope={c.head ? 'row' : undefined} className={c.end ? styles.end : undefined} data-label={c.label}>{c.render(row)}</Cell>;
        })}
      </tr>
      {below && <tr className={styles.below}><td colSpan={columns.length}>{below}</td></tr>}
    </>
  );
}
