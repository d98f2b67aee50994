import { expect, test } from 'vitest';
import { linesFor } from './terminal.ts';

const rooms = [{ id: '2', title: 'Football' }];

test('a user without rooms asks to join one', () => {
  expect(linesFor('5', { rooms: [], asked: [] })).toEqual(['INSERT INTO chat_join_requests (room_id, user_id) VALUES (1, 5)']);
});

test('a member renames the room, and asks to join another', () => {
  expect(linesFor('5', { rooms, asked: [] })).toEqual([
    'INSERT INTO chat_join_requests (room_id, user_id) VALUES (1, 5)',
    "UPDATE chat_rooms SET title = title || ' too' WHERE id = 2",
  ]);
});

test('a pending request is admitted', () => {
  const asked = [{ id: '7', room_id: '1', title: 'Reading', status: 'pending' as const }];
  expect(linesFor('5', { rooms: [], asked })).toEqual(["UPDATE chat_join_requests SET status = 'admitted' WHERE id = 7"]);
});
