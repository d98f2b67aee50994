import { useStatus } from 'rowcall/react';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { describe, Problem } from '../../data/api.ts';
import { compareIds, type Id } from '../../data/ids.ts';
import { tableOf } from '../../data/tables.ts';
import type { Letter, Post } from './outbox.ts';
import { Outbox, unseen } from './outbox.ts';
import type { Talk } from './talk.ts';

const messages = tableOf('messages');

// Box is the outbox of one user in one room. It keeps sending while the user is on other pages.
class Box implements Post {
  readonly outbox: Outbox;
  mine: Talk = []; // the user's messages that the page has seen
  readonly #room: Id;
  readonly #me: Id;
  readonly #key: string;
  readonly #listeners = new Set<() => void>();

  constructor(me: Id, room: Id) {
    this.#me = me;
    this.#room = room;
    this.#key = `rowcall.outbox.${me}.${room}`;
    this.outbox = new Outbox(this, timers, kept(this.#key), () => this.#listeners.forEach((call) => call()));
  }

  subscribe = (changed: () => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };

  letters = () => this.outbox.letters;

  send(text: string) {
    return messages.create({ room_id: this.#room, sender_id: this.#me, message: text });
  }

  async newest(after: Id) {
    const { rows } = await messages.list({ room_id: this.#room, sender_id: this.#me, ordering: '-id', limit: 50 });
    return rows.filter((m) => compareIds(m.id, after) > 0).reverse();
  }

  lastId() {
    return this.mine.at(-1)?.id ?? '0';
  }

  refusal(error: unknown) {
    return error instanceof Problem && !error.passing ? describe(error) : null;
  }

  keep(letters: readonly Letter[]) {
    try {
      if (letters.length > 0) sessionStorage.setItem(this.#key, JSON.stringify(letters));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // Storage may be disabled or full: the letters are kept as long as the page is open.
    }
  }
}

const timers = {
  later(act: () => void, ms: number) {
    const timer = setTimeout(act, ms * (0.75 + Math.random() / 2));
    return () => clearTimeout(timer);
  },
};

function kept(key: string): Letter[] {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '[]') as Letter[];
  } catch {
    return [];
  }
}

// The boxes of this page, by user and room.
const boxes = new Map<string, Box>();

function boxOf(me: Id, room: Id): Box {
  const key = `${me}/${room}`;
  const box = boxes.get(key) ?? new Box(me, room);
  boxes.set(key, box);
  return box;
}

// useOutbox sends the texts that are added, and returns the letters that the list does not show as messages yet.
export function useOutbox(me: Id, room: Id, talk: Talk) {
  const box = useMemo(() => boxOf(me, room), [me, room]);
  const status = useStatus();
  const letters = useSyncExternalStore(box.subscribe, box.letters);
  const mine = useMemo(() => talk.filter((m) => m.sender_id === me), [talk, me]);
  useEffect(() => {
    box.mine = mine;
    box.outbox.seen(new Set(mine.map((m) => m.id)));
  }, [box, mine]);
  useEffect(() => {
    if (status === 'open') box.outbox.hurry();
  }, [box, status]);
  return {
    letters: useMemo(() => unseen(letters, mine), [letters, mine]),
    add: (text: string) => box.outbox.add(text, new Date().toISOString(), newKey()),
    retry: (key: string) => box.outbox.retry(key),
    discard: (key: string) => box.outbox.discard(key),
  };
}

// newKey returns a key for a letter, unique in this page.
const newKey = () => `${Date.now()}-${Math.random()}`;
