import { useEffect, useRef, useState } from 'react';
import { type Column, Table } from '../../ui/Table.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { EditActions, Entry, form, RowActions, Value } from './cells.tsx';
import { Deletion } from './Deletion.tsx';
import { type Draft, type Field, fields, labels } from './edit.ts';
import { EditNotice, hasNotice } from './EditNotice.tsx';
import type { Patient, Sort, SortKey } from './patients.ts';
import styles from './patients.module.css';
import { useEdit } from './useEdit.ts';

interface Props {
  all: readonly Patient[];
  rows: readonly Patient[]; // those that are shown
  fresh: ReadonlySet<number>; // came while the page was open
  sort: Sort;
  onSort: (key: SortKey) => void;
  onAdmitAgain: (draft: Draft) => void;
}

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
  const columns = [
    ...fields.map((field): Column<Patient> => ({
      key: field, label: labels[field], sortable: true,
      render: (patient) => edit?.id === patient.id
        ? <Entry editing={editing!} field={field} onType={type} onCancel={cancel} />
        : <Value patient={patient} field={field} fresh={fresh.has(patient.id)} onEdit={() => begin(patient, field)} />,
    })),
    {
      key: 'actions', label: '', hiddenLabel: 'Actions', end: true,
      render: (patient: Patient) => edit?.id === patient.id
        ? <EditActions editing={editing!} onCancel={cancel} />
        : <RowActions patient={patient} onEdit={() => begin(patient, 'first_name')} onDelete={() => remove(patient)} />,
    },
  ];
  const notice = editing && hasNotice(editing) && (
    <EditNotice editing={editing} onKeep={keepMine} onTake={takeTheirs} onAdmitAgain={() => { onAdmitAgain(editing.edit.draft); cancel(); }} />
  );
  return (
    <div className={styles.table}>
      <form id={form} noValidate onSubmit={(e) => { e.preventDefault(); void save(); }} />
      <Table
        caption="Patients" columns={columns} rows={shown} rowKey={({ id }) => id} selected={({ id }) => id === edit?.id} below={({ id }) => id === edit?.id && notice}
        sort={sort.key === 'id' ? undefined : { key: sort.key, descending: sort.descending }} onSort={(key) => onSort(key as SortKey)}
      />
      {deleting && <Deletion patient={deleting} onClose={() => remove(null)} />}
    </div>
  );
}

// useHeld keeps a row that was deleted while it is edited where it was, until the reader has closed it.
function useHeld(rows: readonly Patient[], lost: Patient | null, id: number | undefined): readonly Patient[] {
  const at = rows.findIndex((row) => row.id === id);
  const place = useRef(0);
  useEffect(() => { if (at >= 0) place.current = at; }, [at]);
  return lost && at < 0 ? rows.toSpliced(place.current, 0, lost) : rows;
}
