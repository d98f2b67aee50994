// The jobs of a user, and the meaning of their states.

import type { RowcallEvent } from 'rowcall';
import { compareIds, type Id, withTextIds } from '../../data/ids.ts';
import type { Tone } from '../../ui/Badge.tsx';

export interface Job {
  id: Id;
  title: string;
  state: string;
  progress: number;
}

export const jobsOf = (rows: readonly unknown[]): readonly Job[] => rows.map(jobOf).sort((a, b) => compareIds(b.id, a.id));

function jobOf(row: unknown): Job {
  const { id, title, state, progress } = withTextIds<Job>(row);
  return { id, title, state, progress };
}

/** reduceJobs returns the jobs after an event, newest first. Jobs that have not changed stay the same objects. */
export function reduceJobs(jobs: readonly Job[], { type, data }: RowcallEvent): readonly Job[] {
  const at = jobs.findIndex(({ id }) => id === String(data.id));
  switch (type) {
    case 'job_posting.saved': {
      const job = jobOf(data);
      if (at >= 0) return jobs.with(at, job);
      const before = jobs.findIndex((other) => compareIds(other.id, job.id) < 0);
      return jobs.toSpliced(before < 0 ? jobs.length : before, 0, job);
    }
    case 'job_posting.deleted': return at < 0 ? jobs : jobs.toSpliced(at, 1);
    default: return jobs;
  }
}

/** tone returns the colour of a state. An unknown state has none. */
export function tone(state: string): Tone {
  switch (state) {
    case 'running': return 'accent';
    case 'done': return 'good';
    case 'failed': case 'error': return 'bad';
    case 'paused': case 'cancelled': return 'warn';
    default: return 'neutral';
  }
}

/** isOver returns whether a job has ended. */
export const isOver = ({ state }: Job) => ['done', 'failed', 'error', 'cancelled'].includes(state);
