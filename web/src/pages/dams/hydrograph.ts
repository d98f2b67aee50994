// A dam's hydrograph: the flow at its outlet, hour by hour.

import { request } from '../../data/api.ts';
import { type Id, toNumber } from '../../data/ids.ts';
import { tableOf } from '../../data/tables.ts';

export interface Point {
  time: number; // hours
  flow: number; // cubic feet a second
}

export interface Hydrograph {
  id: Id;
  points: Point[];
  others: number; // number of older hydrographs of the dam
}

const most = 1000; // rows of one request
const hydrographs = tableOf('hydrographs');

/** fetchHydrograph returns the newest hydrograph of a dam; null if it has none. */
export async function fetchHydrograph(dam: Id, signal: AbortSignal): Promise<Hydrograph | null> {
  const { rows: [newest], total } = await hydrographs.list({ dam_id: dam, ordering: '-id', limit: 1 }, signal);
  if (!newest) return null;
  const { rows } = await tableOf('hydrograph_points').list({ hydrograph_id: newest.id, ordering: 'time', limit: most }, signal);
  const points = rows.flatMap(({ time, flow }) => (time === null || flow === null ? [] : [{ time: Number(time), flow: Number(flow) }]));
  return { id: newest.id, points, others: total - 1 };
}

/** freeHydrographs returns the ids of hydrographs without a dam. */
export async function freeHydrographs(signal: AbortSignal): Promise<Id[]> {
  const { rows } = await hydrographs.list({ dam_id: '', ordering: '-id', limit: 50 }, signal);
  return rows.map(({ id }) => id);
}

export async function assign(hydrograph: Id, dam: Id): Promise<void> {
  await hydrographs.patch(hydrograph, { dam_id: dam });
}

/** addHydrograph creates a hydrograph. It is assigned last: whoever receives that event can load all points. */
export async function addHydrograph(dam: Id, points: Point[]): Promise<void> {
  const { id } = await hydrographs.create({ dam_id: null });
  for (let i = 0; i < points.length; i += most) {
    await request('POST', '/api/hydrograph_points', { body: points.slice(i, i + most).map((point) => ({ hydrograph_id: toNumber(id), ...point })) });
  }
  await assign(id, dam);
}

export class PointsError extends Error {}

/** parsePoints reads lines of an hour and a flow, separated by a comma, a semicolon or spaces. A heading in the first line is ignored. */
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
