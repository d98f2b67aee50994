// A dam's hydrograph: the flow at its outlet, hour by hour.

import { createRow, listRows, patchRow } from '../../data/rows.ts';
import { request } from '../../data/api.ts';

export interface Point {
  time: number; // hours
  flow: number; // cubic feet a second
}

export interface Hydrograph {
  id: number;
  points: Point[];
  others: number; // how many more the dam has; the newest is shown
}

const most = 1000; // rows of one request

/** fetchHydrograph returns the newest hydrograph of a dam, or null where it has none. */
export async function fetchHydrograph(dam: number, signal: AbortSignal): Promise<Hydrograph | null> {
  const { rows: [newest], total } = await listRows('hydrographs', { dam_id: dam, ordering: '-id', limit: 1 }, signal);
  if (!newest) return null;
  const { rows } = await listRows('hydrograph_points', { hydrograph_id: newest.id, ordering: 'time', limit: most }, signal);
  const points = rows.flatMap(({ time, flow }) => (time === null || flow === null ? [] : [{ time, flow }]));
  return { id: newest.id, points, others: total - 1 };
}

/** freeHydrographs are the ids of those that no dam has. */
export async function freeHydrographs(signal: AbortSignal): Promise<number[]> {
  const { rows } = await listRows('hydrographs', { dam_id: '', ordering: '-id', limit: 50 }, signal);
  return rows.map(({ id }) => id);
}

export async function assign(hydrograph: number, dam: number): Promise<void> {
  await patchRow('hydrographs', hydrograph, { dam_id: dam });
}

/** addHydrograph assigns it last, so that whoever hears of that finds all its points. */
export async function addHydrograph(dam: number, points: Point[]): Promise<void> {
  const { id } = await createRow('hydrographs', { dam_id: null });
  for (let i = 0; i < points.length; i += most) {
    await request('POST', '/api/hydrograph_points', { body: points.slice(i, i + most).map((point) => ({ hydrograph_id: id, ...point })) });
  }
  await assign(id, dam);
}

export class PointsError extends Error {}

/** parsePoints reads lines of hour and flow, between them a comma, a semicolon or blanks. A line of words at the top is passed over. */
export function parsePoints(text: string): Point[] {
  const points: Point[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const fields = line.trim().split(/\s*[,;\t]\s*|\s+/);
    if (fields[0] === '') continue;
    const [time, flow] = fields.map(Number);
    if (i === 0 && Number.isNaN(time)) continue;
    if (fields.length !== 2 || fields[1] === '' || !Number.isInteger(time) || !Number.isFinite(flow)) {
      throw new PointsError(`Line ${i + 1} is “${line.trim()}”: expected a whole hour, a comma and the flow, for example 9, 2350.`);
    }
    points.push({ time: time!, flow: flow! });
  }
  if (points.length < 2) throw new PointsError('Enter at least two points, one per line.');
  return points.sort((a, b) => a.time - b.time);
}
