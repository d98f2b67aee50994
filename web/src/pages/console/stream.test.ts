import { afterEach, expect, test, vi } from 'vitest';
import { Refused, blocks, listen } from './stream.ts';

test('blocks are parsed wherever the network splits them', () => {
  const text = 'retry: 1500\nid: c1\n\n:\n\nid: c2\ndata: {"a":1}\n\nevent: reset\nid: c3\ndata: {}\n\nid: c';
  expect(blocks(text)).toEqual({
    found: [
      { event: 'message', data: '', id: 'c1', retry: 1500 },
      { event: 'message', data: '{"a":1}', id: 'c2' },
      { event: 'reset', data: '{}', id: 'c3' },
    ],
    rest: 'id: c',
  });
});

afterEach(() => vi.unstubAllGlobals());

const streaming = (...pieces: string[]) => new Response(new ReadableStream({
  start(to) {
    for (const piece of pieces) to.enqueue(new TextEncoder().encode(piece));
    to.close();
  },
}));

test('a stream resumes after a cut, and reports a refusal', async () => {
  const answers = [
    streaming('retry: 1\nid: c1\n\nid: c2\nda', 'ta: "é"\n\n'),
    new Response('{"code":"forbidden","detail":"this user may not follow this topic"}', { status: 403 }),
  ];
  const asked: unknown[] = [];
  vi.stubGlobal('fetch', async (_: string, options: RequestInit) => {
    asked.push(options.headers);
    return answers.shift();
  });
  const heard: string[] = [];
  const follow = listen('/tail', { onOpen: () => heard.push('open'), onBlock: (b) => heard.push(b.data), onLost: () => heard.push('lost') }, new AbortController().signal);
  await expect(follow).rejects.toThrow(new Refused('This user may not follow this topic.'));
  expect(heard).toEqual(['open', '', '"é"', 'lost']);
  expect(asked).toEqual([{}, { 'Last-Event-ID': 'c2' }]);
});

test('a stream ends with its signal', async () => {
  const gone = new AbortController();
  vi.stubGlobal('fetch', async () => { throw new Error('no network'); });
  await listen('/tail', { onOpen: () => {}, onBlock: () => {}, onLost: () => gone.abort() }, gone.signal);
});
