import { type FormEvent, useEffect, useRef, useState } from 'react';
import { type Errors, Problem } from '../../data/api.ts';
import { failure } from '../../data/failure.ts';
import type { Id } from '../../data/ids.ts';
import { tableOf } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { Input } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import type { Dam } from './dams.ts';
import { changes, type Fields, mistakes, noFields } from './fields.ts';
import styles from './dams.module.css';

interface Props {
  fields: Fields; // state of the page, because the map changes the coordinates
  before: Fields; // when the form was opened
  id: Id | null; // null: a new dam
  gone: boolean; // the dam was deleted meanwhile
  onChange: (fields: Fields) => void;
  onSaving: (saving: boolean) => void;
  onSaved: (dam: Dam) => void;
  onClose: () => void;
}

// DamForm adds or edits a dam. It sends only the changed columns, so that it does not undo the changes of other users.
export function DamForm({ fields, before, id, gone, onChange, onSaving, onSaved, onClose }: Props) {
  const [errors, setErrors] = useState<Errors>({});
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const input = (key: keyof Fields, label: string, more = {}) => (
    <Input label={label} value={fields[key]} error={errors[key]} onChange={(e) => onChange({ ...fields, [key]: e.target.value })} {...more} />
  );
  const save = async (e: FormEvent) => {
    e.preventDefault();
    const wrong = mistakes(fields);
    setErrors(wrong);
    setFailed('');
    if (Object.keys(wrong).length) return;
    setBusy(true);
    onSaving(true);
    try {
      const sent = changes(fields, id === null ? noFields : before);
      onSaved(id === null ? await tableOf('dams').create(sent) : await tableOf('dams').patch(id, sent));
    } catch (error) {
      setErrors(error instanceof Problem ? error.errors : {});
      setFailed(failure(error));
      setBusy(false);
    } finally {
      onSaving(false);
    }
  };
  return (
    <form className={styles.form} onSubmit={save} noValidate aria-label={id === null ? 'Add a dam' : 'Edit dam'} onKeyDown={(e) => { if (e.key === 'Escape') onClose(); }}>
      <h2>{id === null ? 'Add a dam' : 'Edit dam'}</h2>
      <p className={styles.count}>Click the map, drag the green pin, or type the coordinates.</p>
      {input('name', 'Name', { ref: first, required: true })}
      <div className={styles.pair}>
        {input('latitude', 'Latitude', { inputMode: 'decimal', hint: 'Degrees north', required: true })}
        {input('longitude', 'Longitude', { inputMode: 'decimal', hint: 'Degrees east', required: true })}
      </div>
      {input('owner', 'Owner')}
      <div className={styles.pair}>
        {input('river', 'River')}
        {input('date_built', 'Built', { placeholder: '1936' })}
      </div>
      {gone && <Notice tone="bad">This dam was deleted by someone else.</Notice>}
      {failed && <Notice tone="bad">{failed}</Notice>}
      <div className={styles.buttons}>
        <Button variant="primary" type="submit" writes busy={busy} disabled={gone}>{id === null ? 'Add dam' : 'Save'}</Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </form>
  );
}
