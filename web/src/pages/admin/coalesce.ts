// coalesce turns many requests for a run into few runs: a page that follows a busy table loads it again soon after a
// change, one load at a time, and with a pause between loads.

export interface Coalesced {
  ask: () => void; // requests a run soon
  now: () => void; // requests a run at once
  stop: () => void; // cancels all requests, for good
}

export interface Pace {
  soon: number; // milliseconds from the first request to the run
  apart: number; // from the end of a run to the next
}

export function coalesce(run: () => Promise<unknown>, { soon, apart }: Pace = { soon: 120, apart: 600 }): Coalesced {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false; // a run was requested during the present run
  let urgent = false; // and at once
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
