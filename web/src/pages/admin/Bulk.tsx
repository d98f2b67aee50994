import { useState } from 'react';
import { describe as inWords } from '../../data/api.ts';
import { deleteRow } from '../../data/rows.ts';
import { Button } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Bin } from '../../ui/icons.tsx';
import { useToast } from '../../ui/Toast.tsx';
import styles from './Bulk.module.css';
import type { Key, Resource, Row } from './describe.ts';
import { one, words } from './describe.ts';
import type { Selection } from './useSelection.ts';

export interface BulkProps {
  resource: Resource;
  selection: Selection;
  rows: Row[];
  done: () => void;
}

// Bulk selects all rows of the page, and deletes the selected rows.
export function Bulk({ resource, selection, rows, done }: BulkProps) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const count = selection.keys.length;
  if (!resource.delete || rows.length === 0) return null;
  const remove = async () => {
    setBusy(true);
    const failed = await deleteAll(resource, selection.keys);
    setBusy(false);
    setAsking(false);
    if (count > failed.length) toast(`Deleted ${counted(resource, count - failed.length)}`, 'good');
    if (failed.length) toast(`${counted(resource, failed.length)} could not be deleted. ${failed[0]}`, 'bad');
    selection.all(false);
    done();
  };
  return (
    <div className={styles.bulk}>
      <label className={styles.all}>
        <input
          type="checkbox"
          checked={count === rows.length}
          ref={(box) => { if (box) box.indeterminate = count > 0 && count < rows.length; }}
          onChange={() => selection.all(count < rows.length)}
        />
        {count === 0 ? <span>Select all<span className="visually-hidden"> on this page</span></span> : `${count} selected`}
      </label>
      <Button small variant={count === 0 ? 'quiet' : 'danger'} writes disabled={count === 0} onClick={() => setAsking(true)}><span className={styles.word}><Bin />Delete</span></Button>
      <Confirm open={asking} title={`Delete ${counted(resource, count)}?`} action={`Delete ${counted(resource, count)}`} danger writes busy={busy} onConfirm={() => void remove()} onClose={() => setAsking(false)}>
        <p>{count === 1 ? 'The row is deleted permanently, together with the rows that depend on it.' : 'The rows are deleted permanently, together with the rows that depend on them.'}</p>
      </Confirm>
    </div>
  );
}

const counted = (resource: Resource, count: number) => `${count} ${(count === 1 ? one(resource) : words(resource.name)).toLowerCase()}`;

// deleteAll deletes rows, and returns the reasons for failures. A row that does not exist any more counts as deleted.
async function deleteAll(resource: Resource, keys: Key[]): Promise<string[]> {
  const failed: string[] = [];
  for (const key of keys) {
    await deleteRow(resource.name, key).catch((error: { status?: number }) => {
      if (error.status !== 404) failed.push(inWords(error));
    });
  }
  return failed;
}
