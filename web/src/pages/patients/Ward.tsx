import { useDeferredValue, useState } from 'react';
import { useLive, useTopic } from 'rowcall/react';
import { Button } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Input } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { Admission } from './Admission.tsx';
import { zone } from './dates.ts';
import { draftOf } from './edit.ts';
import { arrange, nameOf, next, type Patient, reducePatients, type Sort } from './patients.ts';
import { PatientTable } from './PatientTable.tsx';
import styles from './patients.module.css';

const page = 200; // rows shown at once

// Ward is the table with what is above it: who is looked for, and how to admit somebody.
export function Ward() {
  const { state: now, status, error } = useLive({ topic: 'patients', reduce: reducePatients, from: (rows: Patient[]): readonly Patient[] => rows });
  const state = useDeferredValue(now); // a bulk load does not redraw the table a thousand times
  const [text, setText] = useState('');
  const [sort, setSort] = useState<Sort>({ key: 'id', descending: false });
  const [shown, setShown] = useState(page);
  const [admitting, admit] = useState<Partial<ReturnType<typeof draftOf>> | null>(null);
  const [news, setNews] = useState('');
  const [fresh, setFresh] = useState<ReadonlySet<number>>(new Set());
  useTopic('patients', ({ data }) => {
    setNews(`${nameOf(data)}: ${{ create: 'admitted', update: 'changed', delete: 'deleted' }[data.action as string] ?? data.action}`);
    if (data.action === 'create') setFresh((before) => new Set([...before].slice(1 - page)).add(data.id));
  });
  const wanted = useDeferredValue(text);
  const found = state && arrange(state, wanted, sort);
  return (
    <Panel flush>
      <div className={styles.bar}>
        <div className={styles.search}>
          <Input label="Search patients" hideLabel type="search" placeholder="Search by name" value={text} onChange={(e) => { setText(e.target.value); setShown(page); }} />
        </div>
        <p className={styles.count}>{found && (wanted ? `${found.length} of ${state.length}` : state.length === 1 ? '1 patient' : `${state.length} patients`)}</p>
        <Button variant="primary" onClick={() => admit({})}>Admit a patient</Button>
      </div>
      {status === 'stopped' && <div className={styles.bar}><Notice tone="bad">The patients cannot be shown: {error?.message ?? 'the server refused'}.</Notice></div>}
      {!found && status !== 'stopped' && <div className={styles.wait}><Spinner label="Loading the patients" /></div>}
      {state?.length === 0 && <Empty title="No patients yet" action={<Button onClick={() => admit({})}>Admit a patient</Button>}>Admit a patient, or insert a row with a statement below.</Empty>}
      {found && state.length > 0 && (
        <>
          <PatientTable all={state} rows={found.slice(0, shown)} fresh={fresh} sort={sort} onSort={(key) => setSort(next(sort, key))} onAdmitAgain={admit} />
          {found.length === 0 && <Empty title="No matching patients" action={<Button small onClick={() => setText('')}>Show all</Button>} />}
          {found.length > shown && <div className={styles.more}><Button small onClick={() => setShown(shown + page)}>Show {Math.min(page, found.length - shown)} more</Button></div>}
          <p className={styles.zone}>Times in {zone()}</p>
        </>
      )}
      {admitting && <Admission given={admitting} onClose={() => admit(null)} />}
      <p className="visually-hidden" role="status">{news}</p>
    </Panel>
  );
}
