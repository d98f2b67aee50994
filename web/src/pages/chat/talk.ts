// What was said in a room. It begins with the snapshot of topic room/{id} and follows its events.
import type { RowcallEvent } from 'rowcall';

export interface Said {
  id: number;
  sender_id: number;
  posted: string;
  message: string;
  edited?: boolean; // since this page was opened
}

export type Talk = readonly Said[]; // oldest first

export const talkOf = (rows: readonly Said[]): Talk => [...rows].sort((a, b) => a.id - b.id);

export function afterEvent(talk: Talk, { type, data }: RowcallEvent): Talk {
  switch (type) {
    case 'chat_message_created':
      return withMessage(talk, said(data));
    case 'chat_message_updated':
      return talk.map((m) => (m.id === Number(data.id) ? { ...said(data), edited: true } : m));
    case 'chat_message_deleted':
      return talk.filter((m) => m.id !== Number(data.id));
  }
  return talk;
}

interface Told {
  id: string; // a number; events of this kind have it as text
  sender_id: number;
  posted: string;
  message: string;
}

const said = (data: Told): Said => ({ id: Number(data.id), sender_id: data.sender_id, posted: data.posted, message: data.message });

// Ids are given when a message is written and seen when it is committed, so that one may come late.
function withMessage(talk: Talk, message: Said): Talk {
  if (talk.some((m) => m.id === message.id)) return talk;
  const at = talk.findLastIndex((m) => m.id < message.id) + 1;
  return [...talk.slice(0, at), message, ...talk.slice(at)];
}

const PAUSE = 5 * 60_000; // milliseconds after which a sender begins a new group

export interface Group {
  sender: number;
  day: string; // set where the group is the first of its day
  messages: Said[];
}

// groupsOf puts what one person says at a stretch together, and marks where a day begins.
export function groupsOf(talk: Talk, dayOf: (posted: string) => string): Group[] {
  const groups: Group[] = [];
  let day = '';
  let before: Said | undefined;
  for (const message of talk) {
    const today = dayOf(message.posted);
    const follows = before && today === day && before.sender_id === message.sender_id && gap(before, message) < PAUSE;
    if (follows) groups.at(-1)!.messages.push(message);
    else groups.push({ sender: message.sender_id, day: today === day ? '' : today, messages: [message] });
    day = today;
    before = message;
  }
  return groups;
}

const gap = (before: Said, after: Said) => Date.parse(after.posted) - Date.parse(before.posted);
