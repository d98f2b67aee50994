// Jobs as the page keeps them, and what their states mean.

import type { RowcallEvent } from 'rowcall';
import type { Tone } from '../../ui/Badge.tsx';

export interface Job {
  id: number;
  title: string;
  state: string;
  progress: number;
}

/** reduceJobs is the jobs after an event, the newest first. What is the same stays the same object. */
export function reduceJobs(jobs: readonly Job[], { type, data }: RowcallEvent): readonly Job[] {
  const at = jobs.findIndex(({ id }) => id === data.id);
  switch (type) {
    case 'job_posting.saved': {
      const { id, title, state, progress } = data as Job;
      if (at >= 0) return jobs.with(at, { id, title, state, progress });
      const before = jobs.findIndex((job) => job.id < id);
      return jobs.toSpliced(before < 0 ? jobs.length : before, 0, { id, title, state, progress });
    }
    case 'job_posting.deleted': return at < 0 ? jobs : jobs.toSpliced(at, 1);
    default: return jobs;
  }
}

/** tone is the colour of a state. States are the application's own words; those that nobody knows stay plain. */
export function tone(state: string): Tone {
  switch (state) {
    case 'running': return 'accent';
    case 'done': return 'good';
    case 'failed': case 'error': return 'bad';
    case 'paused': case 'cancelled': return 'warn';
    default: return 'neutral';
  }
}

/** isOver is true of jobs to which nothing more happens. */
export const isOver = ({ state }: Job) => ['done', 'failed', 'error', 'cancelled'].includes(state);
