import { describe, expect, test } from 'vitest';
import { Outbox, unseen, type Letter, type Post } from './outbox.ts';

// Room is a server's side of a room: what it has, and how it answers the next requests.
class Room implements Post {
  messages: { id: string; message: string }[] = [];
  answers: ('ok' | 'lost' | 'down' | 'no')[] = [];
  sent: string[] = [];
  kept: readonly Letter[] = [];
  seen = '0';
  held: (() => void) | null = null; // lets the request through that is being held
  hold = false;

  async send(text: string) {
    this.sent.push(text);
    if (this.hold) await new Promise<void>((resolve) => { this.held = resolve; });
    const answer = this.answers.shift() ?? 'ok';
    if (answer === 'no') throw new Error('refused');
    if (answer === 'down') throw new TypeError('down');
    const id = String(this.messages.length + 1);
    this.messages.push({ id, message: text });
    if (answer === 'lost') throw new TypeError('lost');
    return { id };
  }

  async newest(after: string) {
    return this.messages.filter((m) => Number(m.id) > Number(after));
  }

  lastId() { return this.seen; }
  refusal(error: unknown) { return error instanceof TypeError ? null : (error as Error).message; }
  keep(letters: readonly Letter[]) { this.kept = letters; }
}

// Timers go off when the test says so.
function timers() {
  const waiting = new Set<() => void>();
  return {
    waits: [] as number[],
    later(act: () => void, ms: number) {
      this.waits.push(ms);
      waiting.add(act);
      return () => waiting.delete(act);
    },
    pass() {
      const due = [...waiting];
      waiting.clear();
      due.forEach((act) => act());
    },
  };
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

function open(room: Room, letters: readonly Letter[] = []) {
  const clock = timers();
  const box = new Outbox(room, clock, letters, () => {});
  return { box, clock, add: (...texts: string[]) => texts.forEach((text) => box.add(text, '', box.letters.some((l) => l.key === text) ? `${text} again` : text)) };
}

describe('the outbox', () => {
  test('sends one letter at a time, in order', async () => {
    const room = new Room();
    room.hold = true;
    const { box, add } = open(room);
    add('one', 'two');
    await settle();
    expect(room.sent).toEqual(['one']);
    room.hold = false;
    room.held!();
    await settle();
    expect(room.messages.map((m) => m.message)).toEqual(['one', 'two']);
    expect(box.letters.map((l) => l.state)).toEqual(['arrived', 'arrived']);
    expect(room.kept).toEqual([]);
    box.seen(new Set(['1', '2']));
    expect(box.letters).toEqual([]);
  });

  test('keeps letters while the server is away, and sends them when it is back', async () => {
    const room = new Room();
    room.answers = ['down', 'down'];
    const { clock, add } = open(room);
    add('one');
    await settle();
    add('two');
    await settle();
    expect(room.kept.map((l) => l.text)).toEqual(['one', 'two']);
    expect(room.messages).toEqual([]);
    clock.pass();
    await settle();
    expect(room.messages.map((m) => m.message)).toEqual(['one', 'two']);
    expect(clock.waits).toEqual([500, 1000]);
  });

  test('does not send a letter again whose answer was lost', async () => {
    const room = new Room();
    room.answers = ['lost'];
    const { box, clock, add } = open(room);
    add('one');
    await settle();
    expect(box.letters[0]!.state).toBe('waiting');
    clock.pass();
    await settle();
    expect(room.sent).toEqual(['one']);
    expect(box.letters[0]).toMatchObject({ state: 'arrived', id: '1' });
  });

  test('does not mistake an earlier message with the same text for a letter whose answer was lost', async () => {
    const room = new Room();
    room.messages = [{ id: '1', message: 'yes' }];
    room.seen = '1';
    room.answers = ['down'];
    const { clock, add } = open(room);
    add('yes', 'yes');
    await settle();
    clock.pass();
    await settle();
    expect(room.messages.map((m) => m.message)).toEqual(['yes', 'yes', 'yes']);
  });

  test('continues after a reload of the page, and first looks for the letter that was being sent', async () => {
    const room = new Room();
    room.hold = true;
    open(room).add('one', 'two');
    await settle();
    const kept = JSON.parse(JSON.stringify(room.kept)) as Letter[];
    room.messages.push({ id: '1', message: 'one' }); // the page has gone, the request has not
    room.hold = false;
    const { box } = open(room, kept);
    box.hurry();
    await settle();
    expect(room.messages.map((m) => m.message)).toEqual(['one', 'two']);
    expect(room.sent).toEqual(['one', 'two']);
  });

  test('sends other letters after a refused one, and tries that again only on request', async () => {
    const room = new Room();
    room.answers = ['no'];
    const { box, add } = open(room);
    add('one', 'two');
    await settle();
    expect(room.messages.map((m) => m.message)).toEqual(['two']);
    expect(box.letters[0]).toMatchObject({ text: 'one', state: 'refused', why: 'refused' });
    box.hurry();
    await settle();
    expect(room.sent).toEqual(['one', 'two']);
    box.retry('one');
    await settle();
    expect(room.messages.map((m) => m.message)).toEqual(['two', 'one']);
  });

  test('removes a letter that the user discards', async () => {
    const room = new Room();
    room.answers = ['no'];
    const { box, add } = open(room);
    add('one');
    await settle();
    box.discard('one');
    expect(box.letters).toEqual([]);
    expect(room.kept).toEqual([]);
  });
});

describe('unseen', () => {
  const letter = (change: Partial<Letter>): Letter => ({ key: 'k', text: 'yes', at: '', state: 'sending', after: '1', ...change });

  test('hides a letter whose message has arrived, even before the answer', () => {
    expect(unseen([letter({})], [{ id: '1', message: 'yes' }])).toHaveLength(1);
    expect(unseen([letter({})], [{ id: '2', message: 'yes' }])).toHaveLength(0);
    expect(unseen([letter({ state: 'arrived', id: '3' })], [{ id: '2', message: 'yes' }])).toHaveLength(1);
    expect(unseen([letter({ after: undefined, state: 'waiting' })], [{ id: '2', message: 'yes' }])).toHaveLength(1);
  });

  test('matches one message with one letter', () => {
    expect(unseen([letter({}), letter({ key: 'l' })], [{ id: '2', message: 'yes' }])).toHaveLength(1);
  });
});
