import { useState } from 'react';
import { describe } from '../../data/api.ts';
import { tableOf } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Input } from '../../ui/Field.tsx';
import { Flash } from '../../ui/Flash.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { inputType, show } from './dates.ts';
import { type Field, isDate, labels } from './edit.ts';
import { nameOf, type Patient } from './patients.ts';
import styles from './patients.module.css';
import type { Editing } from './useEdit.ts';

/** The id of the form of the edited row. A form element cannot surround the cells of a row. */
export const form = 'edit-patient';

// Value is a cell that is not edited. A click starts editing; for the keyboard the row has a button.
export function Value({ patient, field, fresh, onEdit }: { patient: Patient; field: Field; fresh: boolean; onEdit: () => void }) {
  const value = patient[field];
  return (
    <span className={classes(styles.value, fresh && styles.fresh)} onClick={onEdit}>
      <Flash value={value}>{isDate(field) ? show(value) : value || '—'}</Flash>
    </span>
  );
}

interface EntryProps {
  editing: Editing;
  field: Field;
  onType: (field: Field, value: string) => void;
  onCancel: () => void;
}

// Entry is a field of the edited row.
export function Entry({ editing: { edit, errors, focus }, field, onType, onCancel }: EntryProps) {
  const value = edit.draft[field];
  return (
    <Input
      label={labels[field]} hideLabel small form={form} type={isDate(field) ? inputType(value) : 'text'} value={value} error={errors[field]}
      autoFocus={focus === field}
      onChange={(e) => onType(field, e.target.value)} onKeyDown={(e) => { if (e.key === 'Escape') onCancel(); }}
    />
  );
}

export function EditActions({ editing: { edit, busy }, onCancel }: { editing: Editing; onCancel: () => void }) {
  const over = edit.foreign.some(({ mine }) => mine);
  return (
    <div className={styles.actions}>
      {!edit.deleted && <Button small variant="primary" type="submit" writes form={form} busy={busy}>{over ? 'Overwrite' : 'Save'}</Button>}
      <Button small onClick={onCancel}>{edit.deleted ? 'Close' : 'Cancel'}</Button>
    </div>
  );
}

export function RowActions({ patient, onEdit, onDelete }: { patient: Patient; onEdit: () => void; onDelete: () => void }) {
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const name = nameOf(patient);
  const discharge = async () => {
    setBusy(true);
    try {
      await tableOf('patients').patch(patient.id, { dismissal_date: new Date(Date.now()).toISOString() });
      toast(`${name} is discharged`, 'good');
    } catch (error) {
      toast(describe(error), 'bad');
    }
    setBusy(false);
  };
  return (
    <div className={styles.actions}>
      {!patient.dismissal_date && <Button small variant="quiet" writes busy={busy} aria-label={`Discharge ${name}`} onClick={discharge}>Discharge</Button>}
      <Button small variant="quiet" aria-label={`Edit ${name}`} onClick={onEdit}>Edit</Button>
      <Button small variant="quiet" writes aria-label={`Delete ${name}`} onClick={onDelete}>Delete</Button>
    </div>
  );
}
