import { useCallback, useEffect, useRef, useState } from 'react';
import { parse } from '../../data/json.ts';
import type { Block } from './stream.ts';
import { listen } from './stream.ts';

export const MOST = 200; // events that are shown
const GATHER = 150; // milliseconds for which arriving events are collected before they are shown

// Line is an event or a reset.
export interface Line {
  key: number;
  topic: string;
  type: string;
  id: string;
  time: string;
  data: unknown;
  reset?: string; // the reason
}

export interface Follow {
  topic: string;
  user: string; // empty: the logged-in user
}

export type Standing = 'off' | 'opening' | 'live' | 'lost' | 'over';

export interface Tail {
  standing: Standing;
  trouble: string; // why the server refused
  lines: Line[]; // newest last
  held: number; // events that arrived during the pause
  total: number;
  paused: boolean;
  pause: (on: boolean) => void;
  clear: () => void;
}

// useTail follows a topic as a user. During a pause it keeps the newest events.
export function useTail(follow: Follow | null): Tail {
  const [standing, setStanding] = useState<Standing>('off');
  const [trouble, setTrouble] = useState('');
  const [lines, setLines] = useState<Line[]>([]);
  const [total, setTotal] = useState(0);
  const [held, setHeld] = useState(0);
  const [paused, setPaused] = useState(false);
  const waiting = useRef<Line[]>([]);
  const still = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const show = useCallback(() => {
    timer.current = undefined;
    if (still.current) return setHeld(waiting.current.length);
    const fresh = waiting.current;
    waiting.current = [];
    setHeld(0);
    if (fresh.length > 0) setLines((before) => [...before, ...fresh].slice(-MOST));
  }, []);

  const take = useCallback((block: Block) => {
    const line = lineOf(block);
    if (!line) return;
    waiting.current = [...waiting.current, line].slice(-MOST);
    setTotal((n) => n + 1);
    timer.current ??= setTimeout(show, GATHER);
  }, [show]);

  const clear = useCallback(() => {
    waiting.current = [];
    setLines([]);
    setHeld(0);
    setTotal(0);
  }, []);

  useEffect(() => {
    clear();
    setTrouble('');
    setStanding(follow ? 'opening' : 'off');
    if (!follow) return;
    const gone = new AbortController();
    listen(addressOf(follow), { onOpen: () => setStanding('live'), onBlock: take, onLost: () => setStanding('lost') }, gone.signal)
      .catch((error: Error) => { setStanding('over'); setTrouble(error.message); });
    return () => {
      gone.abort();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [follow, take, clear]);

  const pause = useCallback((on: boolean) => {
    still.current = on;
    setPaused(on);
    show();
  }, [show]);

  return { standing, trouble, lines, held, total, paused, pause, clear };
}

function addressOf({ topic, user }: Follow): string {
  const query = new URLSearchParams({ topic });
  if (user) query.set('user', user);
  return `/api/console/tail?${query}`;
}

let keys = 0;

function lineOf({ event, data }: Block): Line | null {
  if (!data) return null;
  const frame = parse(data) as any;
  const key = ++keys;
  if (event === 'reset') return { key, topic: frame.topics.join(', '), type: 'reset', id: '', time: new Date().toISOString(), data: null, reset: frame.reason };
  return { key, topic: frame.topic, type: frame.type, id: frame.id, time: frame.time, data: frame.data };
}
