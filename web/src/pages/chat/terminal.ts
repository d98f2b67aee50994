import { compareIds, type Id } from '../../data/ids.ts';
import type { Standing } from './standing.ts';

const SAMPLES = ['1', '2']; // the rooms of the example data

// linesFor returns statements that change the rooms or requests of a user.
export function linesFor(me: Id, { rooms, asked }: Standing): string[] {
  const pending = asked.find((a) => a.status === 'pending');
  const other = SAMPLES.find((id) => !rooms.some((r) => r.id === id) && !asked.some((a) => a.room_id === id));
  const [oldest] = rooms.map((r) => r.id).sort(compareIds);
  const lines = [];
  if (pending) lines.push(`UPDATE chat_join_requests SET status = 'admitted' WHERE id = ${pending.id}`);
  else if (other) lines.push(`INSERT INTO chat_join_requests (room_id, user_id) VALUES (${other}, ${me})`);
  if (oldest) lines.push(`UPDATE chat_rooms SET title = title || ' too' WHERE id = ${oldest}`);
  return lines;
}
