// coalesce makes few runs of many requests for one: a page that follows a busy table reads it again a
// moment after something happened, one read at a time, and not more often than every so often.

export interface Coalesced {
  ask: () => void; // something has happened
  now: () => void; // the person waits: without a delay
  stop: () => void; // nothing is run from now on, not even what was asked for
}

export interface Pace {
  soon: number; // milliseconds from the first request to the run
  apart: number; // from the end of a run to the next
}

export function coalesce(run: () => Promise<unknown>, { soon, apart }: Pace = { soon: 120, apart: 600 }): Coalesced {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false; // what was asked for came too late for the run under way
  let urgent = false; // and somebody waits for it
  let ended = -Infinity;
  let over = false;

  const start = () => {
    timer = undefined;
    running = true;
    again = false;
    urgent = false;
    void run().catch(() => {}).finally(() => {
      running = false;
      ended = Date.now();
      if (again && !over) wait(urgent ? 0 : undefined);
    });
  };
  const wait = (delay = Math.max(soon, ended + apart - Date.now())) => {
    timer = setTimeout(start, delay);
  };
  return {
    ask() {
      if (over || timer !== undefined) return;
      if (running) again = true;
      else wait();
    },
    now() {
      if (over) return;
      if (running) again = urgent = true;
      else {
        clearTimeout(timer);
        start();
      }
    },
    stop() {
      over = true;
      clearTimeout(timer);
    },
  };
}
