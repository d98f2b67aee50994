import { useState } from 'react';
import { useLive } from 'rowcall/react';
import { describe, Problem } from '../../data/api.ts';
import { deleteRow } from '../../data/rows.ts';
import { useUser } from '../../data/user.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { useFlash } from '../../ui/Flash.tsx';
import { Bin } from '../../ui/icons.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { isOver, type Job, reduceJobs, tone } from './jobs.ts';
import styles from './jobs.module.css';

const page = 50; // jobs shown at once

// JobList is a user's jobs, the newest first.
export function JobList({ whose, mine }: { whose: number; mine: boolean }) {
  const { user } = useUser();
  const [shown, setShown] = useState(page);
  const { state, status, error } = useLive({
    topic: `jobs/${whose}`,
    reduce: reduceJobs,
    from: (rows: Job[]): readonly Job[] => rows.toSorted((a, b) => b.id - a.id),
  });
  if (status === 'stopped') return <Notice tone="bad">These jobs cannot be shown: {error?.message ?? 'the server refused'}.</Notice>;
  if (!state) return <Panel><div className={styles.wait}><Spinner label="Loading the jobs" /></div></Panel>;
  const over = state.filter(isOver).length;
  return (
    <Panel title={mine ? 'Your jobs' : 'Their jobs'} actions={<p className={styles.count}>{state.length - over} in progress, {over} finished</p>}>
      {state.length === 0 && <Empty title="No jobs yet">{mine ? 'Start a job above, or insert a row with the statement below.' : 'This user has no jobs.'}</Empty>}
      <ul className={styles.list}>
        {state.slice(0, shown).map((job) => <Line key={job.id} job={job} staff={user!.is_staff} />)}
      </ul>
      {state.length > shown && <div><Button small onClick={() => setShown(shown + page)}>Show {Math.min(page, state.length - shown)} more</Button></div>}
    </Panel>
  );
}

// Line is one job. Those of staff have a place at the end, where jobs that are over can be deleted.
function Line({ job, staff }: { job: Job; staff: boolean }) {
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const badge = useFlash<HTMLSpanElement>(job.state);
  const title = job.title || `Job ${job.id}`;
  const remove = async () => {
    setBusy(true);
    try {
      await deleteRow('jobs', job.id);
    } catch (error) {
      setBusy(false);
      setAsking(false);
      if (!(error instanceof Problem && error.status === 404)) toast(describe(error), 'bad');
    }
  };
  return (
    <li className={styles.job}>
      <span className={styles.title}>{title}</span>
      <span className={styles.state} ref={badge}><Badge tone={tone(job.state)}>{job.state}</Badge></span>
      <span className={styles.bar}><Progress value={job.progress} label={`Progress of ${title}`} tone={tone(job.state) === 'good' ? 'good' : tone(job.state) === 'bad' ? 'bad' : 'accent'} /></span>
      <span className={styles.percent}>{job.progress} %</span>
      {staff && <span className={styles.end}>{isOver(job) && <Button small variant="quiet" aria-label={`Delete ${title}`} title="Delete" onClick={() => setAsking(true)}><Bin /></Button>}</span>}
      {staff && <Confirm open={asking} title={`Delete ${title}?`} action="Delete" danger busy={busy} onConfirm={() => void remove()} onClose={() => setAsking(false)}>The job is deleted permanently and disappears from its owner’s page at once.</Confirm>}
    </li>
  );
}
