// Messages that the user has written and the server may not have received. They are sent one at a time, in order, and each
// arrives once, whether the server restarts or the page is reloaded in between.
import { compareIds, type Id } from '../../data/ids.ts';
import type { Message } from '../../data/tables.ts';

// Letter is one such message.
export interface Letter {
  key: string;
  text: string;
  at: string; // when it was written
  state: 'waiting' | 'sending' | 'arrived' | 'refused';
  after?: Id; // the user's newest message when this letter was first sent; undefined: it was not sent yet
  id?: Id; // of the message that was created from it
  why?: string; // the reason for a refusal
}

// Post is the outbox's access to the server and to the page's storage.
export interface Post {
  send(text: string): Promise<{ id: Id }>;
  newest(after: Id): Promise<Pick<Message, 'id' | 'message'>[]>; // the user's messages after an id, oldest first
  lastId(): Id; // of the user's newest message that this page has seen; '0': none
  refusal(error: unknown): string | null; // why another attempt is useless; null: it may succeed
  keep(letters: readonly Letter[]): void;
}

export interface Clock {
  later(act: () => void, ms: number): () => void; // returns a function that cancels the call
}

const WAITS = [500, 1000, 2000, 4000, 8000]; // milliseconds between attempts; the last one repeats

export class Outbox {
  #letters: readonly Letter[];
  #post: Post;
  #clock: Clock;
  #changed: () => void;
  #busy = false;
  #closed = false;
  #failures = 0;
  #cancel = () => {};

  // letters are those that an earlier page kept. One that was being sent may have arrived.
  constructor(post: Post, clock: Clock, letters: readonly Letter[], changed: () => void) {
    this.#post = post;
    this.#clock = clock;
    this.#letters = letters.filter((l) => l.state !== 'arrived').map((l) => (l.state === 'sending' ? { ...l, state: 'waiting' } : l));
    this.#changed = changed;
  }

  get letters(): readonly Letter[] {
    return this.#letters;
  }

  add(text: string, at: string, key: string) {
    this.#set([...this.#letters, { key, text, at, state: 'waiting' }]);
    this.hurry();
  }

  // hurry sends the waiting letters at once: the server is back.
  hurry() {
    this.#cancel();
    if (!this.#busy && !this.#closed) void this.#work();
  }

  // seen removes the letters whose messages the page shows.
  seen(ids: ReadonlySet<Id>) {
    const left = this.#letters.filter((l) => l.id === undefined || !ids.has(l.id));
    if (left.length < this.#letters.length) this.#set(left);
  }

  discard(key: string) {
    this.#set(this.#letters.filter((l) => l.key !== key || l.state === 'sending'));
    this.hurry();
  }

  retry(key: string) {
    this.#update(key, { state: 'waiting', why: undefined });
    this.hurry();
  }

  close() {
    this.#closed = true;
    this.#cancel();
  }

  async #work() {
    this.#busy = true;
    for (let letter = this.#next(); letter && !this.#closed; letter = this.#next()) {
      if (!(await this.#deliver(letter))) break;
    }
    this.#busy = false;
  }

  #next = () => this.#letters.find((l) => l.state === 'waiting');

  // deliver returns whether the next letter may be sent.
  async #deliver(letter: Letter): Promise<boolean> {
    try {
      const id = (await this.#arrived(letter)) ?? (await this.#send(letter));
      this.#failures = 0;
      this.#update(letter.key, { state: 'arrived', id });
      return true;
    } catch (error) {
      return this.#failed(letter, error);
    }
  }

  // arrived looks for the message of a letter that was sent before without an answer.
  async #arrived({ text, after }: Letter): Promise<Id | undefined> {
    if (after === undefined) return undefined;
    const taken = new Set(this.#letters.map((l) => l.id));
    return (await this.#post.newest(after)).find((m) => m.message === text && !taken.has(m.id))?.id;
  }

  async #send({ key, text, after }: Letter): Promise<Id> {
    const ids = [this.#post.lastId(), ...this.#letters.flatMap((l) => l.id ?? [])];
    this.#update(key, { state: 'sending', after: after ?? ids.sort(compareIds).at(-1) });
    return (await this.#post.send(text)).id;
  }

  #failed(letter: Letter, error: unknown): boolean {
    const why = this.#post.refusal(error);
    if (why !== null) {
      this.#failures = 0;
      this.#update(letter.key, { state: 'refused', why, after: undefined });
      return true;
    }
    this.#update(letter.key, { state: 'waiting' });
    const wait = WAITS[Math.min(this.#failures, WAITS.length - 1)]!;
    this.#failures += 1;
    if (!this.#closed) this.#cancel = this.#clock.later(() => this.hurry(), wait);
    return false;
  }

  #update(key: string, change: Partial<Letter>) {
    this.#set(this.#letters.map((l) => (l.key === key ? { ...l, ...change } : l)));
  }

  #set(letters: readonly Letter[]) {
    this.#letters = letters;
    this.#post.keep(letters.filter((l) => l.state !== 'arrived'));
    this.#changed();
  }
}

// unseen returns the letters that the list has to show besides its messages. A letter whose message is in the list is left
// out, even if the answer to the request is not there yet.
export function unseen(letters: readonly Letter[], mine: readonly Pick<Message, 'id' | 'message'>[]): Letter[] {
  const taken = new Set<Id>();
  return letters.filter((letter) => {
    const known = mine.find((m) => !taken.has(m.id) && isMessageOf(m, letter));
    if (known) taken.add(known.id);
    return !known;
  });
}

function isMessageOf(message: Pick<Message, 'id' | 'message'>, { id, after, text, state }: Letter): boolean {
  if (id !== undefined) return message.id === id;
  return state !== 'refused' && after !== undefined && compareIds(message.id, after) > 0 && message.message === text;
}
