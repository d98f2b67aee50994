import { memo, useMemo, useRef, useState } from 'react';
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
import { type Item, useVirtual } from '../../ui/useVirtual.ts';
import { isOver, type Job, jobsOf, reduceJobs, tone } from './jobs.ts';
import styles from './jobs.module.css';

// JobList shows the jobs of a user, newest first.
export function JobList({ whose, mine }: { whose: Id; mine: boolean }) {
  const { user } = useUser();
  const { state, status, error } = useLive({ topic: `jobs/${whose}`, reduce: reduceJobs, from: jobsOf });
  if (status === 'stopped') return <Notice tone="bad">These jobs cannot be shown: {error?.message ?? 'the server refused'}.</Notice>;
  if (!state) return <Panel><div className={styles.wait}><Spinner label="Loading the jobs" /></div></Panel>;
  const over = state.filter(isOver).length;
  return (
    <Panel title={mine ? 'Your jobs' : 'Their jobs'} actions={<p className={styles.count}>{state.length - over} in progress, {over} finished</p>}>
      {state.length === 0 && <Empty title="No jobs yet">{mine ? 'Start a job above, or insert a row with the statement below.' : 'This user has no jobs.'}</Empty>}
      <Lines jobs={state} name={`jobs/${whose}`} staff={user!.is_staff} />
    </Panel>
  );
}

// Lines renders the visible jobs.
function Lines({ jobs, name, staff }: { jobs: readonly Job[]; name: string; staff: boolean }) {
  const list = useRef<HTMLUListElement>(null);
  const keys = useMemo(() => jobs.map(({ id }) => id), [jobs]);
  const { start, end, before, after, item } = useVirtual({ keys, estimate: 53, list, name });
  return (
    <ul ref={list} className={styles.list}>
      {before > 0 && <li aria-hidden="true" style={{ height: before }} />}
      {jobs.slice(start, end).map((job) => <Line key={job.id} job={job} staff={staff} item={item} />)}
      {after > 0 && <li aria-hidden="true" style={{ height: after }} />}
    </ul>
  );
}

// Line is one job. Staff can delete a job that has ended.
const Line = memo(function Line({ job, staff, item }: { job: Job; staff: boolean; item: Item }) {
  const badge = useFlash<HTMLSpanElement>(job.state);
  const title = job.title || `Job ${job.id}`;
  const color = tone(job.state);
  return (
    <li ref={item} data-key={job.id} className={styles.job}>
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
