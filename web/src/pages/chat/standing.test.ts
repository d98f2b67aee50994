import type { RowcallEvent } from 'rowcall';
import { expect, test } from 'vitest';
import { afterEvent, standingOf, type Standing } from './standing.ts';

const ME = '4';

const event = (type: string, data: unknown): RowcallEvent => ({ topic: `user/${ME}`, id: '1', type, data, time: '' });

const begun = standingOf([{
  rooms: [{ id: 2, title: 'Sunday football', owner_id: 2 }, { id: 5, title: 'Mine', owner_id: 4 }],
  join_requests: [{ id: 31, room_id: 1, title: 'Reading group', status: 'pending' }],
}]);

const after = (...events: RowcallEvent[]): Standing => events.reduce(afterEvent(ME), begun);
const titles = (standing: Standing) => standing.rooms.map((r) => r.title);

test('a snapshot is sorted, and may be empty', () => {
  expect(titles(begun)).toEqual(['Mine', 'Sunday football']);
  expect(titles(standingOf([{ rooms: [{ id: 7, title: 'Room 10' }, { id: 8, title: 'Room 9' }], join_requests: [] }]))).toEqual(['Room 9', 'Room 10']);
  expect(standingOf([])).toEqual({ rooms: [], asked: [] });
});

test('a request that is admitted opens the room', () => {
  const now = after(
    event('did_alter_join_request', { id: '31', action: 'admit', requesting_user: null, room_id: 1 }),
    event('room_joined', { room_id: 1, title: 'Reading group' }),
  );
  expect(now.asked[0]!.status).toBe('admitted');
  expect(titles(now)).toEqual(['Mine', 'Reading group', 'Sunday football']);
});

test('a request is listed once, however often it is reported', () => {
  const created = event('did_alter_join_request', { id: '32', action: 'create', requesting_user: { id: 4 }, room_id: 7, title: 'Choir' });
  const now = after(created, created);
  expect(now.asked.map((a) => [a.id, a.title, a.status])).toEqual([['32', 'Choir', 'pending'], ['31', 'Reading group', 'pending']]);
});

test('a request can be denied, reopened and deleted', () => {
  const denied = event('did_alter_join_request', { id: '31', action: 'deny', requesting_user: null, room_id: 1 });
  expect(after(denied).asked[0]!.status).toBe('denied');
  const back = event('join_request_updated', { id: '31', room_id: 1, user_id: 4, status: 'pending' });
  expect(after(denied, back).asked[0]!.status).toBe('pending');
  expect(after(denied, event('join_request_deleted', { id: '31', room_id: 1 })).asked).toEqual([]);
});

test('a user who leaves loses the room, unless they own it', () => {
  const now = after(event('room_left', { room_id: 2, title: 'Sunday football' }), event('room_left', { room_id: 5, title: 'Mine' }));
  expect(titles(now)).toEqual(['Mine']);
});

test('a room is renamed, transferred or deleted', () => {
  const renamed = after(event('room_updated', { room_id: 5, title: 'Ours', owner_id: 2 }));
  expect(renamed.rooms.find((r) => r.id === '5')).toEqual({ id: '5', title: 'Ours', owner_id: '2' });
  expect(after(event('room_updated', { room_id: 9, title: 'Theirs', owner_id: 2 }))).toEqual(begun);
  expect(titles(after(event('room_updated', { room_id: 9, title: 'Given to me', owner_id: 4 })))).toContain('Given to me');
  expect(titles(after(event('room_deleted', { room_id: 5, title: 'Mine', owner_id: 4 })))).toEqual(['Sunday football']);
});

test('a new title is shown in both lists, and adds no room', () => {
  const football = after(event('room_renamed', { room_id: 2, title: 'A game' }));
  expect(football.rooms).toEqual([{ id: '2', title: 'A game', owner_id: '2' }, { id: '5', title: 'Mine', owner_id: ME }]);
  const asked = after(event('room_renamed', { room_id: 1, title: 'Evening group' }));
  expect(asked.asked[0]!.title).toBe('Evening group');
  expect(asked.rooms).toEqual(begun.rooms);
});

test('an unknown event changes nothing', () => {
  expect(after(event('user_updated', { id: 4 }))).toBe(begun);
});
