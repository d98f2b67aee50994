import { type FormEvent, useState } from 'react';
import { type Errors, Problem } from '../../data/api.ts';
import { failure } from '../../data/failure.ts';
import { tableOf } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog, DialogActions } from '../../ui/Dialog.tsx';
import { Input } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { inputType, toInput } from './dates.ts';
import { changes, type Draft, empty, type Field, fields, isDate, labels } from './edit.ts';
import { nameOf } from './patients.ts';
import styles from './patients.module.css';

// Admission is the form for a new patient.
export function Admission({ given, onClose }: { given: Partial<Draft>; onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>({ ...empty, admission_date: toInput(new Date(Date.now()).toISOString()), ...given });
  const [errors, setErrors] = useState<Errors>({});
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    try {
      const patient = await tableOf('patients').create({ first_name: draft.first_name, last_name: draft.last_name, ...changes(empty, draft) });
      toast(`${nameOf(patient)} is admitted`, 'good');
      onClose();
    } catch (error) {
      const wrong = error instanceof Problem ? error.errors : {};
      setErrors(wrong);
      setFailed(fields.some((field) => wrong[field]) ? '' : failure(error));
      setBusy(false);
    }
  };
  const input = (field: Field) => (
    <Input
      key={field} label={labels[field]} type={isDate(field) ? inputType(draft[field]) : 'text'} value={draft[field]} error={errors[field]}
      onChange={(e) => setDraft({ ...draft, [field]: e.target.value })}
    />
  );
  return (
    <Dialog open onClose={onClose} title="Admit a patient" wide>
      <form className={styles.form} onSubmit={save} noValidate>
        <div className={styles.pair}>{(['first_name', 'last_name'] as const).map(input)}</div>
        <div className={styles.pair}>{(['admission_date', 'dismissal_date'] as const).map(input)}</div>
        {failed && <Notice tone="bad">{failed}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" writes busy={busy}>Admit</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
