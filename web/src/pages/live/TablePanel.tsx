import type { FormEvent } from 'react';
import { useEffect, useMemo, useReducer, useState } from 'react';
import { useLive } from 'rowcall/react';
import type { Tone } from '../../ui/Badge.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Input, Select } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import type { Column } from '../../ui/Table.tsx';
import { Table } from '../../ui/Table.tsx';
import { Cell } from './Cell.tsx';
import styles from './live.module.css';
import type { Change, Fields, Row, Rows } from './rows.ts';
import { afterEvent, count, listed, rowsOf, sweep } from './rows.ts';
import type { TableInfo, TopicInfo } from './tables.ts';
import { firstTopic, topicOf } from './tables.ts';

const WORDS: Record<'loading' | 'live' | 'stale' | 'stopped', { tone: Tone; word: string }> = {
  loading: { tone: 'accent', word: 'Reading' },
  live: { tone: 'good', word: 'Live' },
  stale: { tone: 'warn', word: 'Reconnecting' },
  stopped: { tone: 'bad', word: 'Stopped' },
};

// TablePanel shows the rows of one topic of a table.
export function TablePanel({ table }: { table: TableInfo }) {
  const [chosen, setChosen] = useState(firstTopic(table));
  const [topic, setTopic] = useState(chosen ? topicOf(chosen, {}) : null);
  const choose = (info: TopicInfo, values: Record<string, string>) => {
    setChosen(info);
    setTopic(topicOf(info, values));
  };
  return (
    <>
      {!table.live && <Notice tone="warn">Changes of this table are not filed yet: run <code>rowcall apply</code>.</Notice>}
      {chosen && (table.topics.length > 1 || chosen.parameters.length > 0) && <TopicChoice table={table} chosen={chosen} onChoose={choose} />}
      {topic ? <RowsPanel key={topic} table={table} topic={topic} /> : <Panel title={table.table}><Empty title={chosen ? 'Give a value to see rows' : 'This table has no topics'} /></Panel>}
    </>
  );
}

// TopicChoice chooses among the topics of a table, and gives values to the parameters of one.
function TopicChoice({ table, chosen, onChoose }: { table: TableInfo; chosen: TopicInfo; onChoose: (info: TopicInfo, values: Record<string, string>) => void }) {
  const [values, setValues] = useState<Record<string, string>>({});
  const submit = (e: FormEvent) => {
    e.preventDefault();
    onChoose(chosen, values);
  };
  return (
    <form className={styles.choice} onSubmit={submit}>
      {table.topics.length > 1 && (
        <Select label="Topic" value={chosen.topic} options={table.topics.map((t) => t.topic)} onChange={(e) => onChoose(table.topics.find((t) => t.topic === e.target.value)!, {})} />
      )}
      {chosen.parameters.map((name) => (
        <Input key={name} label={name} value={values[name] ?? ''} required spellCheck={false} autoCapitalize="off" autoComplete="off" onChange={(e) => setValues({ ...values, [name]: e.target.value })} />
      ))}
      {chosen.parameters.length > 0 && <Button type="submit" variant="primary">Show</Button>}
    </form>
  );
}

function RowsPanel({ table, topic }: { table: TableInfo; topic: string }) {
  const live = useLive<string, Rows>({
    topic,
    from: (snapshot) => rowsOf(table, snapshot as Fields[]),
    reduce: (state, event) => afterEvent(table, state, event.data as Change, Date.now()),
  });
  const { state } = live;
  useSweep(state);
  const columns = useMemo(() => columnsOf(table), [table]);
  const rows = state ? listed(state) : [];
  const { tone, word } = WORDS[live.status];
  return (
    <Panel flush title={table.table} actions={<span role="status"><Badge tone={tone}>{word}</Badge></span>}>
      {live.error && <p className={styles.trouble} role="alert">{live.status === 'stopped' ? live.error.message : `No connection: ${live.error.message}`}</p>}
      {state && <Summary state={state} shown={count(rows)} truncated={live.truncated} />}
      {!state && live.status === 'loading' && <Spinner label="Reading rows" />}
      {state && rows.length === 0 && <Empty title="No rows"><p>A row appears here when it is committed.</p></Empty>}
      {rows.length > 0 && <Table caption={`Rows of ${table.table}`} name={`live ${topic}`} columns={columns} rows={rows} rowKey={rowKey} version={versionOf} tone={toneOf} wide cards={table.columns.length < 12} />}
    </Panel>
  );
}

const rowKey = (row: Row) => row.id;
const versionOf = (row: Row) => row.version;

const NEW = 2000; // milliseconds for which a row is new

function toneOf(row: Row): 'new' | 'gone' | undefined {
  if (row.gone !== undefined) return 'gone';
  return row.since !== undefined && Date.now() - row.since < NEW ? 'new' : undefined;
}

function columnsOf(table: TableInfo): Column<Row>[] {
  return table.columns.map(({ name, type }) => ({
    key: name,
    label: name,
    head: table.key[0] === name,
    end: table.key[0] !== name && /^(smallint|integer|bigint|numeric|real|double precision)/.test(type) && !type.endsWith('[]'),
    render: ({ fields }) => <Cell value={fields[name]} />,
  }));
}

// Summary says how many rows are shown, whether there are more, and what has changed last.
function Summary({ state, shown, truncated }: { state: Rows; shown: number; truncated: boolean }) {
  const { changes, last } = state;
  return (
    <div className={styles.summary}>
      <p>{truncated ? `${shown.toLocaleString()} rows are shown. The table has more: other rows appear when they change.` : `${shown.toLocaleString()} ${shown === 1 ? 'row' : 'rows'}`}</p>
      <p className={styles.last}>{last ? `${changes.toLocaleString()} ${changes === 1 ? 'change' : 'changes'}, last ${last.op} of ${last.key} at ${new Date(last.at).toLocaleTimeString()}` : 'No changes yet'}</p>
    </div>
  );
}

// useSweep drops rows a moment after they have gone, and shows the list again.
function useSweep(state: Rows | undefined) {
  const [turn, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const next = state && sweep(state, Date.now());
    if (next === undefined) return;
    const timer = setTimeout(() => {
      sweep(state!, Date.now());
      again();
    }, next - Date.now());
    return () => clearTimeout(timer);
  }, [state, turn]);
}
