import { memo, type ReactNode, useCallback, useMemo, useRef } from 'react';
import { classes } from './classes.ts';
import { useFlash } from './Flash.tsx';
import styles from './Table.module.css';
import { type Item, useVirtual } from './useVirtual.ts';

export interface Column<Row, State = undefined> {
  key: string;
  label: string; // empty for a column of buttons, which needs hiddenLabel
  hiddenLabel?: string;
  render: (row: Row, state: State) => ReactNode;
  end?: boolean; // aligned right: numbers and buttons
  head?: boolean; // this cell names the row
  sortable?: boolean;
  width?: string; // minimum; give it to all columns or to none. With widths, no column moves when rows come and go
}

export type RowTone = 'new' | 'gone';

export interface TableProps<Row, State = undefined> {
  caption: string; // for screen readers
  columns: Column<Row, State>[]; // the same array between renders, or every row is rendered again
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  state?: (row: Row) => State; // what else the cells of a row depend on
  version?: (row: Row) => unknown; // the row lights up when this changes
  selected?: (row: Row) => boolean;
  tone?: (row: Row) => RowTone | undefined; // a row that has just come, or is about to go
  below?: (row: Row) => ReactNode; // shown under a row, over the full width
  sort?: { key: string; descending: boolean };
  onSort?: (key: string) => void;
  cards?: boolean; // on a phone, rows become cards (true)
  estimate?: number; // height of a row in pixels, for long lists (53)
  name?: string; // of the list: its scroll position and the heights of its rows are remembered
  wide?: boolean; // it may be wider than its place: the keyboard can scroll it
}

// Table shows rows under column heads. Rows keep their place and their focus while others come and go. Of a long list only
// the visible rows are rendered; a row is rendered again only if it changes.
export function Table<Row, State = undefined>(props: TableProps<Row, State>) {
  const { caption, columns, rows, rowKey, sort, onSort, cards = true, estimate = 53, name, wide } = props;
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const keys = useMemo(() => rows.map(rowKey), [rows]);
  const { start, end, before, after, item } = useVirtual({ keys, estimate, list: body, box, name });
  return (
    <div ref={box} className={styles.scroll} data-scroll={name} {...(wide && { tabIndex: 0, role: 'region', 'aria-label': caption })}>
      <table className={classes(styles.table, cards && styles.cards, columns[0]?.width && styles.fixed)} aria-rowcount={rows.length + 1}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>{columns.map((c) => <Head key={c.key} column={c} sort={sort} onSort={onSort} />)}</tr>
        </thead>
        <tbody ref={body}>
          <Space height={before} columns={columns.length} />
          {rows.slice(start, end).map((row, i) => <RowOf key={keys[start + i]} row={row} id={keys[start + i]!} index={start + i} item={item} table={props} />)}
          <Space height={after} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}

// Space stands for the rows that are not rendered.
function Space({ height, columns }: { height: number; columns: number }) {
  return height > 0 && <tr className={styles.space} aria-hidden="true"><td colSpan={columns} style={{ height }} /></tr>;
}

interface HeadProps<Row, State> {
  column: Column<Row, State>;
  sort?: { key: string; descending: boolean };
  onSort?: (key: string) => void;
}

function Head<Row, State>({ column, sort, onSort }: HeadProps<Row, State>) {
  const direction = sort?.key !== column.key ? undefined : sort.descending ? 'descending' : 'ascending';
  const label = column.label || <span className="visually-hidden">{column.hiddenLabel}</span>;
  return (
    <th scope="col" className={column.end ? styles.end : undefined} aria-sort={direction} style={column.width ? { width: column.width } : undefined}>
      {column.sortable && onSort ? <button type="button" className={styles.sort} onClick={() => onSort(column.key)}>{label}</button> : label}
    </th>
  );
}

interface RowOfProps<Row, State> {
  row: Row;
  id: string;
  index: number;
  item: Item;
  table: TableProps<Row, State>;
}

function RowOf<Row, State>({ row, id, index, item, table: { columns, state, version, selected, tone, below } }: RowOfProps<Row, State>) {
  const under = below?.(row);
  return (
    <>
      <Line row={row} id={id} index={index} item={item} columns={columns as Column<unknown, unknown>[]} state={state?.(row)} version={version?.(row)} selected={selected?.(row)} tone={tone?.(row)} />
      {under && <tr className={styles.below}><td colSpan={columns.length}>{under}</td></tr>}
    </>
  );
}

interface LineProps {
  row: unknown;
  id: string;
  index: number;
  item: Item;
  columns: Column<unknown, unknown>[];
  state: unknown;
  version: unknown;
  selected?: boolean;
  tone?: RowTone;
}

const Line = memo(function Line({ row, id, index, item, columns, state, version, selected, tone }: LineProps) {
  const line = useFlash<HTMLTableRowElement>(version, { row: true });
  const ref = useCallback((element: HTMLTableRowElement) => {
    line.current = element;
    return item(element);
  }, [line, item]);
  return (
    <tr ref={ref} data-key={id} aria-rowindex={index + 2} className={classes(selected && styles.selected, tone === 'new' && styles.new, tone === 'gone' && styles.gone) || undefined} aria-current={selected || undefined}>
      {columns.map((c) => {
        const Cell = c.head ? 'th' : 'td';
        return <Cell key={c.key} scope={c.head ? 'row' : undefined} className={c.end ? styles.end : undefined} data-label={c.label}>{c.render(row, state)}</Cell>;
      })}
    </tr>
  );
});
