import { useDeferredValue, useMemo, useState } from 'react';
import { useLive, useTopic } from 'rowcall/react';
import { type Id, idOf } from '../../data/ids.ts';
import { Button } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Input } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { Admission } from './Admission.tsx';
import { zone } from './dates.ts';
import { draftOf } from './edit.ts';
import { arrange, nameOf, next, patientsOf, reducePatients, type Sort } from './patients.ts';
import { PatientTable } from './PatientTable.tsx';
import styles from './patients.module.css';

const marked = 200; // new patients that are marked, the last ones

// Ward is the table of patients, with a search field and the button to admit a patient.
export function Ward() {
  const { state: now, status, error } = useLive({ topic: 'patients', reduce: reducePatients, from: patientsOf });
  const state = useDeferredValue(now); // a bulk load draws the table only a few times
  const [text, setText] = useState('');
  const [sort, setSort] = useState<Sort>({ key: 'id', descending: false });
  const [admitting, admit] = useState<Partial<ReturnType<typeof draftOf>> | null>(null);
  const [fresh, setFresh] = useState<ReadonlySet<Id>>(new Set());
  useTopic('patients', ({ data }) => {
    if (data.action === 'create') setFresh((before) => new Set([...before].slice(1 - marked)).add(idOf(data.id)));
  });
  const wanted = useDeferredValue(text);
  const found = useMemo(() => state && arrange(state, wanted, sort), [state, wanted, sort]);
  return (
    <Panel flush>
      <div className={styles.bar}>
        <div className={styles.search}>
          <Input label="Search patients" hideLabel type="search" placeholder="Search by name" value={text} onChange={(e) => setText(e.target.value)} />
        </div>
        <p className={styles.count}>{found && (wanted ? `${found.length} of ${state!.length}` : state!.length === 1 ? '1 patient' : `${state!.length} patients`)}</p>
        <Button variant="primary" writes onClick={() => admit({})}>Admit a patient</Button>
      </div>
      {status === 'stopped' && <div className={styles.bar}><Notice tone="bad">The patients cannot be shown: {error?.message ?? 'the server refused'}.</Notice></div>}
      <div className={styles.rows}>
        {!found && status !== 'stopped' && <div className={styles.wait}><Spinner label="Loading the patients" /></div>}
        {state?.length === 0 && <Empty title="No patients yet" action={<Button writes onClick={() => admit({})}>Admit a patient</Button>}>Admit a patient, or insert a row with a statement below.</Empty>}
        {found && state!.length > 0 && (
          <>
            <PatientTable all={state!} rows={found} fresh={fresh} sort={sort} onSort={(key) => setSort(next(sort, key))} onAdmitAgain={admit} />
            {found.length === 0 && <Empty title="No matching patients" action={<Button small onClick={() => setText('')}>Show all</Button>} />}
          </>
        )}
      </div>
      <p className={styles.zone}>Times in {zone()}</p>
      {admitting && <Admission given={admitting} onClose={() => admit(null)} />}
      <News />
    </Panel>
  );
}

// News tells screen readers about the last change. It is a component of its own, so that a change does not render the table.
function News() {
  const [news, setNews] = useState('');
  useTopic('patients', ({ data }) => {
    setNews(`${nameOf(data)}: ${{ create: 'admitted', update: 'changed', delete: 'deleted' }[data.action as string] ?? data.action}`);
  });
  return <p className="visually-hidden" role="status">{news}</p>;
}
