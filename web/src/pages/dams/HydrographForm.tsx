import { type FormEvent, useEffect, useState } from 'react';
import { failure } from '../../data/failure.ts';
import type { Id } from '../../data/ids.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog, DialogActions } from '../../ui/Dialog.tsx';
import { Select, Textarea } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { type Dam, nameOf } from './dams.ts';
import { addHydrograph, assign, freeHydrographs, parsePoints } from './hydrograph.ts';
import styles from './dams.module.css';

const example = '0, 150\n6, 900\n9, 2350\n14, 700\n24, 160';

// HydrographForm assigns a hydrograph to a dam: an unassigned one, or a new one from lines of text.
export function HydrographForm({ dam, onClose }: { dam: Dam; onClose: () => void }) {
  const [free, setFree] = useState<Id[]>([]);
  const [choice, setChoice] = useState('');
  const [text, setText] = useState('');
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  useEffect(() => {
    const gone = new AbortController();
    freeHydrographs(gone.signal).then(setFree, () => {}); // a new one can be added anyway
    return () => gone.abort();
  }, []);
  const save = async (e: FormEvent) => {
    e.preventDefault();
    setFailed('');
    setBusy(true);
    try {
      if (choice) await assign(choice, dam.id);
      else await addHydrograph(dam.id, parsePoints(text));
      toast(`${nameOf(dam)} has a hydrograph`, 'good');
      onClose();
    } catch (error) {
      setFailed(failure(error));
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={`Assign a hydrograph to ${nameOf(dam)}`}>
      <form className={styles.form} onSubmit={save}>
        {free.length > 0 && (
          <Select label="Hydrograph" value={choice} onChange={(e) => setChoice(e.target.value)} options={[
            { value: '', label: 'New hydrograph' },
            ...free.map((id) => ({ value: id, label: `Hydrograph ${id} (unassigned)` })),
          ]} />
        )}
        {!choice && (
          <>
            <Textarea label="Points" rows={7} value={text} placeholder={example} onChange={(e) => setText(e.target.value)} hint="One point per line: the hour, a comma, and the flow in cubic feet per second." />
            <input className={styles.file} type="file" accept=".csv,text/csv,text/plain" aria-label="Read the points from a file" onChange={(e) => void e.target.files?.[0]?.text().then(setText)} />
          </>
        )}
        {failed && <Notice tone="bad">{failed}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" writes busy={busy}>Assign</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
