import type { Standing } from './standing.ts';

const SAMPLES = [1, 2]; // the rooms of the example data

// linesFor are statements that change what this user sees of rooms, as they stand now.
export function linesFor(me: number, { rooms, asked }: Standing): string[] {
  const pending = asked.find((a) => a.status === 'pending');
  const strange = SAMPLES.find((id) => !rooms.some((r) => r.id === id) && !asked.some((a) => a.room_id === id));
  const lines = [];
  if (pending) lines.push(`UPDATE chat_join_requests SET status = 'admitted' WHERE id = ${pending.id}`);
  else if (strange) lines.push(`INSERT INTO chat_join_requests (room_id, user_id) VALUES (${strange}, ${me})`);
  if (rooms[0]) lines.push(`UPDATE chat_rooms SET title = title || ' too' WHERE id = ${Math.min(...rooms.map((r) => r.id))}`);
  return lines;
}
