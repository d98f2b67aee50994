// Loading of parts of the application that are files of their own. A page that was never visited may be opened while the
// server is away: it is then loaded when the server is back.

const FIRST = 500; // milliseconds until the server is asked again; the pause doubles up to LONGEST
const LONGEST = 5000;

// Outdated means that the server answers, but has no such file: it has been updated since this page was loaded.
export class Outdated extends Error {
  override name = 'Outdated';
}

export interface Server {
  answers: () => Promise<boolean>;
  pause: (milliseconds: number) => Promise<void>;
}

const server: Server = {
  answers: () => fetch('/healthz', { cache: 'no-store' }).then((answer) => answer.ok, () => false),
  pause: (milliseconds) => new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    }
    addEventListener('online', done);
  }),
};

// persist returns a function that loads a part once. While the server does not answer, it tries again. It fails only with
// Outdated.
export function persist<Part>(load: () => Promise<Part>, { answers, pause }: Server = server): () => Promise<Part> {
  let part: Promise<Part> | undefined;
  return () => (part ??= attempt().catch((error: unknown) => {
    part = undefined;
    throw error;
  }));

  async function attempt(): Promise<Part> {
    for (let failures = 1; ; failures++) {
      try {
        return await load();
      } catch (cause) {
        if (await untilAnswer(answers, pause) && failures > 1) throw new Outdated('the server has no such file', { cause });
      }
    }
  }
}

// untilAnswer waits until the server answers. It returns whether it answered at once.
async function untilAnswer(answers: Server['answers'], pause: Server['pause']): Promise<boolean> {
  for (let wait = 0; ; wait = Math.min(LONGEST, wait * 2 || FIRST)) {
    if (wait > 0) await pause(wait);
    if (await answers()) return wait === 0;
  }
}
