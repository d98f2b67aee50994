import { useState } from 'react';
import { describe as inWords, Problem } from '../../data/api.ts';
import { deleteRow } from '../../data/rows.ts';
import { Button } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Bin } from '../../ui/icons.tsx';
import { useToast } from '../../ui/Toast.tsx';
import type { Resource, Row } from './describe.ts';
import { inSentence, keyOf } from './describe.ts';
import styles from './Form.module.css';

// Delete asks first. A row that does not exist any more counts as deleted.
export function Delete({ resource, row, disabled, done }: { resource: Resource; row: Row; disabled: boolean; done: () => void }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const name = inSentence(resource, row);
  const remove = async () => {
    setBusy(true);
    try {
      await deleteRow(resource.name, keyOf(resource, row)).catch((error) => {
        if (!(error instanceof Problem && error.status === 404)) throw error;
      });
      toast(`Deleted ${name}`, 'good');
      setAsking(false);
      done();
    } catch (error) {
      toast(`Could not delete ${name}. ${inWords(error)}`, 'bad');
      setAsking(false);
    }
    setBusy(false);
  };
  return (
    <>
      <Button variant="danger" writes disabled={disabled} onClick={() => setAsking(true)}><span className={styles.word}><Bin />Delete</span></Button>
      <Confirm open={asking} title={`Delete ${name}?`} action="Delete" danger writes busy={busy} onConfirm={() => void remove()} onClose={() => setAsking(false)}>
        <p>The row is deleted permanently, together with the rows that depend on it.</p>
      </Confirm>
    </>
  );
}
