import { sentence } from '../../data/api.ts';

// Block is one block of a stream of server-sent events.
export interface Block {
  event: string;
  data: string;
  id?: string;
  retry?: number; // milliseconds
}

// blocks parses the complete blocks of a text, and returns them and the incomplete rest.
export function blocks(text: string): { found: Block[]; rest: string } {
  const parts = text.split('\n\n');
  const rest = parts.pop() ?? '';
  return { found: parts.map(block).filter((b) => b !== null), rest };
}

// block parses a block. It returns null for a block that has only comments.
function block(text: string): Block | null {
  const read: Block = { event: 'message', data: '' };
  let any = false;
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    if (at <= 0) continue;
    const value = line.slice(at + 1).replace(/^ /, '');
    any = true;
    switch (line.slice(0, at)) {
      case 'event': read.event = value; break;
      case 'data': read.data += value; break;
      case 'id': read.id = value; break;
      case 'retry': read.retry = Number(value); break;
    }
  }
  return any ? read : null;
}

// Refused is a refusal that another request would not change.
export class Refused extends Error {}

export interface Listening {
  onOpen: () => void;
  onBlock: (block: Block) => void;
  onLost: () => void; // the stream is requested again
}

// listen reads a stream until the signal ends it. It resumes after a lost connection, like EventSource. Unlike EventSource it
// reports a refusal: the promise is rejected with a Refused.
export async function listen(address: string, { onOpen, onBlock, onLost }: Listening, signal: AbortSignal): Promise<void> {
  let last = '';
  let wait = 2000;
  while (!signal.aborted) {
    try {
      const response = await fetch(address, { signal, headers: last ? { 'Last-Event-ID': last } : {} });
      if (!response.ok || !response.body) throw await refusal(response);
      onOpen();
      for await (const one of read(response.body)) {
        last = one.id || last;
        wait = one.retry ?? wait;
        onBlock(one);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused) throw error;
    }
    onLost();
    await pause(wait, signal);
  }
}

async function refusal(response: Response): Promise<Error> {
  if (response.status === 429 || response.status >= 500) return new Error('later');
  const said = (await response.json().catch(() => ({}))) as { detail?: string };
  return new Refused(sentence(said.detail ?? `the server answered ${response.status}`));
}

async function* read(body: ReadableStream<Uint8Array>): AsyncGenerator<Block> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const cut = blocks(text + decoder.decode(value, { stream: true }));
      text = cut.rest;
      yield* cut.found;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
