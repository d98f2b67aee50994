import type { RowcallEvent } from 'rowcall';
import { expect, it } from 'vitest';
import { isOver, type Job, jobsOf, reduceJobs, tone } from './jobs.ts';

const job = (id: number | string, state = 'queued', progress = 0): Job => ({ id: String(id), title: `Job ${id}`, state, progress });
const event = (type: string, data: unknown): RowcallEvent => ({ topic: 'jobs/1', id: '1', type, data, time: '' });

it('keeps jobs in order, newest first', () => {
  const jobs = [job(5), job(2)];
  expect(reduceJobs(jobs, event('job_posting.saved', job(9))).map(({ id }) => id)).toEqual(['9', '5', '2']);
  expect(reduceJobs(jobs, event('job_posting.saved', job(3))).map(({ id }) => id)).toEqual(['5', '3', '2']);
  expect(reduceJobs(jobs, event('job_posting.saved', job(1))).map(({ id }) => id)).toEqual(['5', '2', '1']);
});

it('changes a job in its place, and no other', () => {
  const jobs = [job(5), job(2)];
  const moved = reduceJobs(jobs, event('job_posting.saved', job(5, 'running', 50)));
  expect(moved[0]).toEqual(job(5, 'running', 50));
  expect(moved[1]).toBe(jobs[1]);
});

it('removes a job, and ignores unknown events', () => {
  const jobs = [job(5), job(2)];
  expect(reduceJobs(jobs, event('job_posting.deleted', { id: 5 }))).toEqual([job(2)]);
  expect(reduceJobs(jobs, event('job_posting.deleted', { id: 7 }))).toBe(jobs);
  expect(reduceJobs(jobs, event('job_posting.seen', { id: 5 }))).toBe(jobs);
});

it('tells jobs with ids beyond 2^53 apart', () => {
  const jobs = jobsOf([{ ...job(1), id: 1 }, job('9007199254740992'), job('9007199254740993')]);
  expect(jobs.map(({ id }) => id)).toEqual(['9007199254740993', '9007199254740992', '1']);
  expect(reduceJobs(jobs, event('job_posting.deleted', { id: '9007199254740993' }))).toEqual([jobs[1], jobs[2]]);
});

it('knows which states have ended, and accepts unknown states', () => {
  expect(['queued', 'running', 'done', 'failed'].map((state) => isOver(job(1, state)))).toEqual([false, false, true, true]);
  expect([tone('done'), tone('failed'), tone('thinking')]).toEqual(['good', 'bad', 'neutral']);
});
