// The messages of a room: the snapshot of topic room/{id}, kept up to date by its events.
import type { RowcallEvent } from 'rowcall';
import { compareIds, type Id, withTextIds } from '../../data/ids.ts';

export interface Said {
  id: Id;
  sender_id: Id;
  posted: string;
  message: string;
  edited?: boolean; // since this page was opened
}

export type Talk = readonly Said[]; // in the order of ids, oldest first

const saidOf = (row: unknown): Said => {
  const { id, sender_id, posted, message } = withTextIds<Said>(row);
  return { id, sender_id, posted, message };
};

export const talkOf = (rows: readonly unknown[]): Talk => rows.map(saidOf).sort((a, b) => compareIds(a.id, b.id));

// afterEvent returns the messages after an event. Without a change it returns the same array.
export function afterEvent(talk: Talk, { type, data }: RowcallEvent): Talk {
  switch (type) {
    case 'chat_message_created':
      return withMessage(talk, saidOf(data));
    case 'chat_message_updated':
      return talk.map((m) => (m.id === String(data.id) ? { ...saidOf(data), edited: true } : m));
    case 'chat_message_deleted':
      return talk.filter((m) => m.id !== String(data.id));
  }
  return talk;
}

// withMessage inserts a message by its id. A message that took its id earlier may be committed later.
function withMessage(talk: Talk, message: Said): Talk {
  const before = talk.findLastIndex((m) => compareIds(m.id, message.id) <= 0);
  return talk[before]?.id === message.id ? talk : talk.toSpliced(before + 1, 0, message);
}

const PAUSE = 5 * 60_000; // milliseconds after which a sender starts a new group

// Line is a message as the list shows it. Messages that one person sends in a short time are a group: only the first has
// the name and the time.
export interface Line {
  message: Said;
  first: boolean; // of a group
  day: string; // set on the first message of a day: a key for that day
}

// linesOf returns a part of the talk as lines.
export function linesOf(talk: Talk, start = 0, end = talk.length): Line[] {
  let before = talk[start - 1];
  return talk.slice(start, end).map((message) => {
    const newDay = !before || momentOf(before).day !== momentOf(message).day;
    const first = newDay || before!.sender_id !== message.sender_id || momentOf(message).time - momentOf(before!).time >= PAUSE;
    before = message;
    return { message, first, day: newDay ? momentOf(message).day : '' };
  });
}

interface Moment {
  time: number; // milliseconds
  day: string;
}

// Lines are computed again after each event, but the times of messages are parsed once.
const moments = new WeakMap<Said, Moment>();

function momentOf(message: Said): Moment {
  const known = moments.get(message);
  if (known) return known;
  const when = new Date(message.posted);
  const moment = { time: when.getTime(), day: when.toDateString() };
  moments.set(message, moment);
  return moment;
}
