import type { RowcallEvent } from 'rowcall';
import { expect, test } from 'vitest';
import { afterEvent, groupsOf, talkOf, type Said, type Talk } from './talk.ts';

const at = (minute: number, day = 1) => `2026-11-0${day}T10:${String(minute).padStart(2, '0')}:00Z`;
const said = (id: number, sender = 1, posted = at(0)): Said => ({ id, sender_id: sender, posted, message: `m${id}` });
const event = (type: string, data: unknown): RowcallEvent => ({ topic: 'room/1', id: '1', type, data, time: '' });
const told = (type: string, { id, ...rest }: Said) => event(type, { ...rest, id: String(id), room_id: 1 });

const ids = (talk: Talk) => talk.map((m) => m.id);

test('messages stand in the order of their ids, each once', () => {
  const begun = talkOf([said(3), said(1)]);
  const now = [told('chat_message_created', said(5)), told('chat_message_created', said(2)), told('chat_message_created', said(5))].reduce(afterEvent, begun);
  expect(ids(now)).toEqual([1, 2, 3, 5]);
});

test('a message is changed where it stands, and taken away', () => {
  const begun = talkOf([said(1), said(2)]);
  const edited = afterEvent(begun, told('chat_message_updated', { ...said(1), message: 'other' }));
  expect(edited[0]).toMatchObject({ id: 1, message: 'other', edited: true });
  expect(ids(afterEvent(begun, event('chat_message_deleted', { id: '1' })))).toEqual([2]);
});

test('events that are not about messages leave the talk as it is', () => {
  const begun = talkOf([said(1)]);
  expect(afterEvent(begun, event('member_joined', { user_id: 3 }))).toBe(begun);
});

test('what one says at a stretch is one group; another, a pause or a new day begins one', () => {
  const talk = [said(1, 1, at(0)), said(2, 1, at(4)), said(3, 2, at(4)), said(4, 1, at(5)), said(5, 1, at(10)), said(6, 1, at(11, 2))];
  const groups = groupsOf(talk, (posted) => posted.slice(0, 10));
  expect(groups.map((g) => ids(g.messages))).toEqual([[1, 2], [3], [4], [5], [6]]);
  expect(groups.map((g) => g.day)).toEqual(['2026-11-01', '', '', '', '2026-11-02']);
});
