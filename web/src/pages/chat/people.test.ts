import type { RowcallEvent } from 'rowcall';
import { expect, test } from 'vitest';
import { afterEvent, peopleOf, type People } from './people.ts';
import { step } from './usePeople.ts';

const event = (type: string, data: unknown): RowcallEvent => ({ topic: 'room/1', id: '1', type, data, time: '' });
const user = (id: string, first: string) => ({ id, username: first.toLowerCase(), first_name: first, last_name: '' });
const read = {
  room: { id: '1', owner_id: '1', title: 'Reading group', join_code: 'code' },
  members: [{ id: '1', room_id: '1', user_id: '2' }],
  requests: [{ id: '31', room_id: '1', user_id: '3', status: 'pending' as const }],
  users: [user('1', 'Alice'), user('2', 'Bob'), user('3', 'Carol')],
};

const after = (...events: RowcallEvent[]): People => events.reduce(afterEvent, peopleOf(read));

const admitted = [
  event('did_alter_join_request', { id: '31', action: 'admit', requesting_user: null }),
  event('member_joined', { user_id: 3, ...user('3', 'Carol') }),
];

test('an admitted user moves from the requests to the members', () => {
  const now = after(...admitted);
  expect(now.waiting).toEqual([]);
  expect(now.members).toEqual(['2', '3']);
});

test('a requester has a name, even if unknown before', () => {
  const now = after(event('did_alter_join_request', { id: '32', action: 'create', requesting_user: { ...user('9', 'Zoe'), id: 9 } }));
  expect(now.waiting.at(-1)).toEqual({ id: '32', user: '9' });
  expect(now.names.get('9')).toBe('Zoe');
});

test('a member who leaves keeps the name, for their messages', () => {
  const now = after(event('member_left', { user_id: 2, ...user('2', 'Bob') }));
  expect(now.members).toEqual([]);
  expect(now.names.get('2')).toBe('Bob');
});

test('a transferred room has another owner, who is listed once', () => {
  const now = after(event('member_joined', { user_id: 1, ...user('1', 'Alice') }), event('room_updated', { room_id: 1, title: 'Ours', owner_id: 2 }));
  expect(now.room).toMatchObject({ owner_id: '2', title: 'Ours' });
  expect(now.members).not.toContain('2');
});

test('a deleted or denied request is not listed, a reopened one is', () => {
  expect(after(event('join_request_deleted', { id: '31' })).waiting).toEqual([]);
  const denied = event('did_alter_join_request', { id: '31', action: 'deny', requesting_user: null });
  expect(after(denied).waiting).toEqual([]);
  expect(after(denied, event('join_request_updated', { id: '31', user_id: 3, status: 'pending' })).waiting).toEqual([{ id: '31', user: '3' }]);
});

test('events that arrive while the lists are loading are applied to them', () => {
  const steps = [{ do: 'read' } as const, ...admitted.map((e) => ({ do: 'event', event: e }) as const)];
  const reading = steps.reduce(step, { people: undefined, since: undefined });
  expect(reading.people).toBeUndefined();
  const now = step(reading, { do: 'done', read });
  expect(now).toMatchObject({ people: { members: ['2', '3'], waiting: [] }, since: undefined });
  const again = step(reading, { do: 'done', read: { ...read, members: [...read.members, { id: '2', room_id: '1', user_id: '3' }], requests: [] } });
  expect(again.people!.members).toEqual(['2', '3']);
});

test('an event about a message changes nothing', () => {
  const state = { people: peopleOf(read), since: undefined };
  expect(step(state, { do: 'event', event: event('chat_message_created', { id: '1', sender_id: 2 }) })).toBe(state);
});
