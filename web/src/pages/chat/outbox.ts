// What a person has said and the server may not have heard yet. One message is sent at a time, in
// order. Whatever happens in between, a restart of the server or a reload of the page, each gets
// there once.
import type { Message } from '../../data/tables.ts';

export interface Letter {
  key: string;
  text: string;
  at: string; // when it was written
  state: 'waiting' | 'sending' | 'arrived' | 'refused';
  after?: number; // one's own newest message before this one was first sent; a letter without it never was
  id?: number; // of the message that it has become
  why?: string; // it was refused
}

// Post is what the outbox needs of the world.
export interface Post {
  send(text: string): Promise<{ id: number }>;
  newest(after: number): Promise<Pick<Message, 'id' | 'message'>[]>; // one's own messages after an id, oldest first
  lastId(): number; // of one's own messages, as far as this page has seen
  refusal(error: unknown): string | null; // why it is of no use to try again; null: it may pass
  keep(letters: readonly Letter[]): void;
}

export interface Clock {
  later(act: () => void, ms: number): () => void; // the result takes it back
}

const WAITS = [500, 1000, 2000, 4000, 8000]; // milliseconds between attempts; the last one again and again

export class Outbox {
  #letters: readonly Letter[];
  #post: Post;
  #clock: Clock;
  #changed: () => void;
  #busy = false;
  #closed = false;
  #failures = 0;
  #cancel = () => {};

  // letters are those of an earlier page: one that was on its way may have arrived.
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

  // hurry sends what waits without waiting for the timer: the server is back.
  hurry() {
    this.#cancel();
    if (!this.#busy && !this.#closed) void this.#work();
  }

  // seen takes a letter away whose message the page shows.
  seen(ids: ReadonlySet<number>) {
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

  // deliver reports whether the next letter may follow.
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

  // arrived finds the message that a letter has become whose answer was lost. One that has never been
  // sent has not become any.
  async #arrived({ text, after }: Letter): Promise<number | undefined> {
    if (after === undefined) return undefined;
    const taken = new Set(this.#letters.map((l) => l.id));
    return (await this.#post.newest(after)).find((m) => m.message === text && !taken.has(m.id))?.id;
  }

  async #send({ key, text, after }: Letter): Promise<number> {
    const ids = this.#letters.map((l) => l.id ?? 0);
    this.#update(key, { state: 'sending', after: after ?? Math.max(this.#post.lastId(), ...ids) });
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

// unseen are the letters that the page shows besides its messages: not those whose message is there
// already, be it before the answer.
export function unseen(letters: readonly Letter[], mine: readonly Pick<Message, 'id' | 'message'>[]): Letter[] {
  const taken = new Set<number>();
  return letters.filter((letter) => {
    const known = mine.find((m) => !taken.has(m.id) && isMessageOf(m, letter));
    if (known) taken.add(known.id);
    return !known;
  });
}

function isMessageOf(message: Pick<Message, 'id' | 'message'>, { id, after, text, state }: Letter): boolean {
  if (id !== undefined) return message.id === id;
  return state !== 'refused' && after !== undefined && message.id > after && message.message === text;
}
