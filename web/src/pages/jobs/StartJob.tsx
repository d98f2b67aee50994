import { type FormEvent, useState } from 'react';
import { failure } from '../../data/failure.ts';
import { callFunction } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { Input } from '../../ui/Field.tsx';
import { Panel } from '../../ui/Panel.tsx';
import styles from './jobs.module.css';

const titles = ['Sort the spring collection', 'Import the catalogue', 'Write the invoices', 'Make the thumbnails', 'Check the stock'];

// StartJob starts a job that only simulates work: it advances once per second.
export function StartJob() {
  const [turn, setTurn] = useState(0);
  const [title, setTitle] = useState('');
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const proposed = titles[turn % titles.length]!;
  const start = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setFailed('');
    try {
      await callFunction('start_job', { title: title.trim() || proposed });
      setTitle('');
      setTurn(turn + 1);
    } catch (error) {
      setFailed(failure(error));
    }
    setBusy(false);
  };
  return (
    <Panel>
      <form className={styles.start} onSubmit={start}>
        <Input label="Title" value={title} placeholder={proposed} maxLength={100} error={failed} onChange={(e) => setTitle(e.target.value)} />
        <Button variant="primary" type="submit" writes busy={busy}>Start a job</Button>
      </form>
    </Panel>
  );
}
