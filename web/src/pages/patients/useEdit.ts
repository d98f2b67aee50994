import { useEffect, useState } from 'react';
import { type Errors, Problem } from '../../data/api.ts';
import { failure } from '../../data/failure.ts';
import { tableOf } from '../../data/tables.ts';
import { begin, changes, type Draft, type Edit, type Field, fields, keepMine, observe, takeTheirs, type } from './edit.ts';
import type { Patient } from './patients.ts';

export interface Editing {
  edit: Edit;
  focus: Field; // the field that gets the focus
  errors: Errors;
  failed: string; // an error that belongs to no field
  busy: boolean;
}

// useEdit is the state of the edited row, if any.
export function useEdit(patients: readonly Patient[]) {
  const [editing, setEditing] = useState<Editing | null>(null);
  const now = editing && patients.find(({ id }) => id === editing.edit.id);
  const change = (step: (edit: Edit) => Edit) => setEditing((was) => was && { ...was, edit: step(was.edit) });
  useEffect(() => {
    if (now !== null) change((edit) => observe(edit, now));
  }, [now]);
  const save = async () => {
    if (!editing) return;
    const { id, base, draft } = editing.edit;
    const sent = changes(base, draft);
    if (Object.keys(sent).length === 0) return setEditing(null);
    setEditing({ ...editing, edit: { ...editing.edit, sent: trimmed(draft) }, errors: {}, failed: '', busy: true });
    try {
      await tableOf('patients').patch(id, sent);
      setEditing(null);
    } catch (error) {
      const errors = error instanceof Problem ? error.errors : {};
      const failed = fields.some((field) => errors[field]) ? '' : failure(error);
      setEditing((was) => was && { ...was, edit: { ...was.edit, sent: null }, errors, failed, busy: false });
    }
  };
  return {
    editing,
    start: (patient: Patient, focus: Field) => setEditing({ edit: begin(patient), focus, errors: {}, failed: '', busy: false }),
    cancel: () => setEditing(null),
    type: (field: Field, value: string) => change((edit) => type(edit, field, value)),
    keepMine: () => change(keepMine),
    takeTheirs: () => change(takeTheirs),
    save,
  };
}

const trimmed = (draft: Draft): Draft => ({ ...draft, first_name: draft.first_name.trim(), last_name: draft.last_name.trim() });
