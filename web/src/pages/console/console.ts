import { useCallback, useEffect, useState } from 'react';
import { Problem, describe, request } from '../../data/api.ts';
import { useUser } from '../../data/user.tsx';

// The answer of /api/console: see docs/protocol.md.
export type State = 'armed' | 'arming' | 'busy' | 'reconnecting';
export type Kind = 'native' | 'plain' | 'dcrf' | 'sse';

export interface Listener {
  state: State;
  healthy: boolean;
  confirmed: boolean;
  heard: boolean;
  gate: { generation: number; ringing: boolean; keeper: boolean; full: boolean; deaf: boolean };
  rings_per_second: number;
  polls_per_second: number;
  events_per_second: number;
  handed_out_per_second: number;
  last_poll?: string;
  reconnects: number;
}

export interface Log {
  bytes: number;
  since?: string;
  refused?: string;
  alarm: boolean;
  slots: number;
  slot_bytes: number;
  slot_since?: string;
  keep_seconds: number;
  keep_bytes: number;
  cursor?: string;
}

export interface Counts {
  events_read: number;
  events_handed_out: number;
  polls: number;
  rings: number;
  replays_from_tail: number;
  replays_from_log: number;
  resets: Record<string, number>;
  slow_readers: number;
  subscriptions: number;
  live: number;
  held: number;
  queued_events: number;
  queued_bytes: number;
}

/** Unfollowable tells of events under topics that nobody can follow. */
export interface Unfollowable {
  events: number;
  topics: string[]; // the last ones
}

export interface Topic {
  topic: string;
  subscribers: number;
}

export interface Session {
  name: string;
  kind: Kind;
  user: number | string | null;
  username?: string;
  as?: number | string;
  address: string;
  since: string;
  topics: string[];
  topic_count: number;
  queued_events: number;
  queued_bytes: number;
}

// A setting of the configuration that does not fit the database any more.
export interface UnfitSetting {
  setting: string;
  name: string;
  reason: string;
  since: string;
}

export interface List<Row> {
  total: number;
  rows: Row[];
}

export interface Node {
  at: string;
  listener: Listener;
  log: Log;
  counts: Counts;
  unfollowable: Unfollowable;
  open: Record<Kind, number>;
  unfit: UnfitSetting[];
  topics: List<Topic>;
  sessions: List<Session>;
}

const EVERY = 1000; // milliseconds between two requests

export interface Look {
  node: Node | null; // the last answer
  trouble: string; // why the last request failed; empty: it succeeded
}

// useConsole requests the state of the node once a second, while the page is visible. If the request is refused, it asks the
// server who is logged in.
export function useConsole(): Look {
  const { refresh } = useUser();
  const [look, setLook] = useState<Look>({ node: null, trouble: '' });
  const ask = useCallback(async (signal: AbortSignal) => {
    try {
      const node = await request<Node>('GET', '/api/console', { signal });
      setLook({ node, trouble: '' });
    } catch (error) {
      if (signal.aborted) return;
      setLook(({ node }) => ({ node, trouble: describe(error) }));
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) await refresh().catch(() => {});
    }
  }, [refresh]);
  useEffect(() => repeat(ask), [ask]);
  return look;
}

// repeat calls a function again and again, but not while the page is hidden. It returns a function that ends this.
function repeat(ask: (signal: AbortSignal) => Promise<void>): () => void {
  const gone = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  const next = async () => {
    clearTimeout(timer);
    if (asking || document.hidden || gone.signal.aborted) return;
    asking = true;
    await ask(gone.signal);
    asking = false;
    if (!gone.signal.aborted) timer = setTimeout(next, EVERY);
  };
  document.addEventListener('visibilitychange', next, { signal: gone.signal });
  void next();
  return () => {
    gone.abort();
    clearTimeout(timer);
  };
}
