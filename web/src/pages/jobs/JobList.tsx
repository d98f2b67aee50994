import { memo, useState } from 'react';
import { useLive } from 'rowcall/react';
import { describe, Problem } from '../../data/api.ts';
import type { Id } from '../../data/ids.ts';
import { tableOf } from '../../data/tables.ts';
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
import { isOver, type Job, jobsOf, reduceJobs, tone } from './jobs.ts';
import styles from './jobs.module.css';

const page = 50; // jobs that are shown at first, and added by each click

// JobList shows the jobs of a user, newest first.
export function JobList({ whose, mine }: { whose: Id; mine: boolean }) {
  const { user } = useUser();
  const [shown, setShown] = useState(page);
  const { state, status, error } = useLive({ topic: `jobs/${whose}`, reduce: reduceJobs, from: jobsOf });
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

// Line is one job. Staff can delete a job that has ended.
const Line = memo(function Line({ job, staff }: { job: Job; staff: boolean }) {
  const badge = useFlash<HTMLSpanElement>(job.state);
  const title = job.title || `Job ${job.id}`;
  const color = tone(job.state);
  return (
    <li className={styles.job}>
      <span className={styles.title}>{title}</span>
      <span className={styles.state} ref={badge}><Badge tone={color}>{job.state}</Badge></span>
      <span className={styles.bar}><Progress value={job.progress} label={`Progress of ${title}`} tone={color === 'good' || color === 'bad' ? color : 'accent'} /></span>
      <span className={styles.percent}>{job.progress} %</span>
      {staff && <span className={styles.end}>{isOver(job) && <Delete job={job} title={title} />}</span>}
    </li>
  );
});

// Delete asks first. A job that does not exist any more is deleted.
function Delete({ job, title }: { job: Job; title: string }) {
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      await tableOf('jobs').delete(job.id);
    } catch (error) {
      setBusy(false);
      setAsking(false);
      if (!(error instanceof Problem && error.status === 404)) toast(describe(error), 'bad');
    }
  };
  return (
    <>
      <Button small variant="quiet" writes aria-label={`Delete ${title}`} title="Delete" onClick={() => setAsking(true)}><Bin /></Button>
      <Confirm open={asking} title={`Delete ${title}?`} action="Delete" danger writes busy={busy} onConfirm={() => void remove()} onClose={() => setAsking(false)}>
        The job is deleted permanently and disappears from its owner’s page at once.
      </Confirm>
    </>
  );
}
