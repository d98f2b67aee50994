import type { RowcallEvent } from 'rowcall';
import { expect, test } from 'vitest';
import { afterEvent, linesOf, talkOf, type Said, type Talk } from './talk.ts';

const at = (minute: number, day = 1) => `2026-11-0${day}T10:${String(minute).padStart(2, '0')}:00Z`;
const said = (id: number | string, sender = '1', posted = at(0)): Said => ({ id: String(id), sender_id: sender, posted, message: `m${id}` });
const event = (type: string, data: unknown): RowcallEvent => ({ topic: 'room/1', id: '1', type, data, time: '' });
const told = (type: string, { id, sender_id, ...rest }: Said) => event(type, { ...rest, id, sender_id: Number(sender_id), room_id: 1 });

const ids = (talk: Talk) => talk.map((m) => m.id);

test('messages are in the order of their ids, each once', () => {
  const begun = talkOf([said(3), { ...said(1), id: 1 }]);
  const now = [told('chat_message_created', said(5)), told('chat_message_created', said(2)), told('chat_message_created', said(5))].reduce(afterEvent, begun);
  expect(ids(now)).toEqual(['1', '2', '3', '5']);
});

test('ids beyond 2^53 are different messages', () => {
  const begun = talkOf([said('9007199254740993'), said('9007199254740992')]);
  const now = [told('chat_message_created', said('9007199254740994')), event('chat_message_deleted', { id: '9007199254740993' })].reduce(afterEvent, begun);
  expect(ids(now)).toEqual(['9007199254740992', '9007199254740994']);
});

test('a message is changed in its place, and removed', () => {
  const begun = talkOf([said(1), said(2)]);
  const edited = afterEvent(begun, told('chat_message_updated', { ...said(1), message: 'other' }));
  expect(edited[0]).toMatchObject({ id: '1', sender_id: '1', message: 'other', edited: true });
  expect(ids(afterEvent(begun, event('chat_message_deleted', { id: '1' })))).toEqual(['2']);
});

test('an event that is not about messages changes nothing', () => {
  const begun = talkOf([said(1)]);
  expect(afterEvent(begun, event('member_joined', { user_id: 3 }))).toBe(begun);
});

test('another sender, a pause or a new day starts a group', () => {
  const talk = [said(1, '1', at(0)), said(2, '1', at(4)), said(3, '2', at(4)), said(4, '1', at(5)), said(5, '1', at(10)), said(6, '1', at(11, 2))];
  expect(linesOf(talk).map((line) => [line.message.id, line.first, line.day !== ''])).toEqual([
    ['1', true, true], ['2', false, false], ['3', true, false], ['4', true, false], ['5', true, false], ['6', true, true],
  ]);
  for (let start = 0; start < talk.length; start++) expect(linesOf(talk, start, start + 2)).toEqual(linesOf(talk).slice(start, start + 2));
});
