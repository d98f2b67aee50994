import { useStatus } from 'rowcall/react';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { describe, Problem } from '../../data/api.ts';
import { createRow, listRows } from '../../data/rows.ts';
import type { Letter, Post } from './outbox.ts';
import { Outbox, unseen } from './outbox.ts';
import type { Talk } from './talk.ts';

// Box is the outbox of one person in one room. It goes on while other pages are looked at.
class Box implements Post {
  readonly outbox: Outbox;
  mine: Talk = []; // one's own messages, as far as the page has seen
  readonly #room: number;
  readonly #me: number;
  readonly #key: string;
  readonly #listeners = new Set<() => void>();

  constructor(me: number, room: number) {
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
    return createRow('messages', { room_id: this.#room, sender_id: this.#me, message: text });
  }

  async newest(after: number) {
    const { rows } = await listRows('messages', { room_id: this.#room, sender_id: this.#me, ordering: '-id', limit: 50 });
    return rows.filter((m) => m.id > after).reverse();
  }

  lastId() {
    return this.mine.at(-1)?.id ?? 0;
  }

  refusal(error: unknown) {
    return error instanceof Problem && !error.passing ? describe(error) : null;
  }

  keep(letters: readonly Letter[]) {
    try {
      if (letters.length > 0) sessionStorage.setItem(this.#key, JSON.stringify(letters));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // Storage may be closed or full: the letters are kept as long as the page is.
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

// The boxes of this page, by person and room.
const boxes = new Map<string, Box>();

function boxOf(me: number, room: number): Box {
  const key = `${me}/${room}`;
  const box = boxes.get(key) ?? new Box(me, room);
  boxes.set(key, box);
  return box;
}

// useOutbox sends what is added to it, and returns what the page does not show yet as messages.
export function useOutbox(me: number, room: number, talk: Talk) {
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

// newKey tells the letters of one page apart.
const newKey = () => `${Date.now()}-${Math.random()}`;
