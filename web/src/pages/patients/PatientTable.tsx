import { useEffect, useMemo, useRef, useState } from 'react';
import type { Id } from '../../data/ids.ts';
import { type Column, Table } from '../../ui/Table.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { EditActions, Entry, form, RowActions, Value } from './cells.tsx';
import { Deletion } from './Deletion.tsx';
import { type Draft, type Field, fields, labels } from './edit.ts';
import { EditNotice, hasNotice } from './EditNotice.tsx';
import type { Patient, Sort, SortKey } from './patients.ts';
import styles from './patients.module.css';
import { type Editing, useEdit } from './useEdit.ts';

interface Props {
  all: readonly Patient[];
  rows: readonly Patient[]; // filtered and sorted
  fresh: ReadonlySet<Id>; // patients that were added while the page was open
  sort: Sort;
  onSort: (key: SortKey) => void;
  onAdmitAgain: (draft: Draft) => void;
}

// State is what the cells of a row depend on, besides the row.
type State = Editing | 'fresh' | undefined;

// PatientTable shows the rows, and edits one of them in its place.
export function PatientTable({ all, rows, fresh, sort, onSort, onAdmitAgain }: Props) {
  const { editing, start, cancel, save, type, keepMine, takeTheirs } = useEdit(all);
  const [deleting, remove] = useState<Patient | null>(null);
  const toast = useToast();
  const edit = editing?.edit;
  const shown = useHeld(rows, edit?.deleted ? { ...edit.draft, id: edit.id, created_at: '', updated_at: '' } : null, edit?.id);
  const begin = (patient: Patient, focus: Field) => {
    const typed = edit && fields.some((field) => edit.draft[field] !== edit.base[field]);
    if (typed && edit.id !== patient.id) toast('Save or cancel the row that you are editing first', 'warn');
    else if (edit?.id !== patient.id) start(patient, focus);
  };
  const columns = useColumns({ begin, remove, type, cancel });
  const notice = editing && hasNotice(editing) && (
    <EditNotice editing={editing} onKeep={keepMine} onTake={takeTheirs} onAdmitAgain={() => { onAdmitAgain(editing.edit.draft); cancel(); }} />
  );
  const state = (patient: Patient): State => (patient.id === edit?.id ? editing! : fresh.has(patient.id) ? 'fresh' : undefined);
  return (
    <div className={styles.table}>
      <form id={form} noValidate onSubmit={(e) => { e.preventDefault(); void save(); }} />
      <Table<Patient, State>
        caption="Patients" name="patients" estimate={57} columns={columns} rows={shown} rowKey={({ id }) => id} state={state} selected={({ id }) => id === edit?.id} below={({ id }) => id === edit?.id && notice}
        sort={sort.key === 'id' ? undefined : { key: sort.key, descending: sort.descending }} onSort={(key) => onSort(key as SortKey)}
      />
      {deleting && <Deletion patient={deleting} onClose={() => remove(null)} />}
    </div>
  );
}

interface Actions {
  begin: (patient: Patient, focus: Field) => void;
  remove: (patient: Patient) => void;
  type: (field: Field, value: string) => void;
  cancel: () => void;
}

// useColumns returns the same columns at each render, so that only rows that change are rendered again.
function useColumns(actions: Actions): Column<Patient, State>[] {
  const latest = useRef(actions);
  useEffect(() => { latest.current = actions; });
  return useMemo(() => {
    const isEditing = (state: State): state is Editing => state !== undefined && state !== 'fresh';
    const begin = (patient: Patient, focus: Field) => latest.current.begin(patient, focus);
    const cancel = () => latest.current.cancel();
    return [
      ...fields.map((field): Column<Patient, State> => ({
        key: field, label: labels[field], sortable: true,
        render: (patient, state) => isEditing(state)
          ? <Entry editing={state} field={field} onType={(of, value) => latest.current.type(of, value)} onCancel={cancel} />
          : <Value patient={patient} field={field} fresh={state === 'fresh'} onEdit={() => begin(patient, field)} />,
      })),
      {
        key: 'actions', label: '', hiddenLabel: 'Actions', end: true,
        render: (patient, state) => isEditing(state)
          ? <EditActions editing={state} onCancel={cancel} />
          : <RowActions patient={patient} onEdit={() => begin(patient, 'first_name')} onDelete={() => latest.current.remove(patient)} />,
      },
    ];
  }, []);
}

// useHeld keeps a row that was deleted while it is edited in its place, until the user closes it.
function useHeld(rows: readonly Patient[], lost: Patient | null, id: Id | undefined): readonly Patient[] {
  const at = id === undefined ? -1 : rows.findIndex((row) => row.id === id);
  const place = useRef(0);
  useEffect(() => { if (at >= 0) place.current = at; }, [at]);
  return lost && at < 0 ? rows.toSpliced(place.current, 0, lost) : rows;
}
