import type { ReactNode } from 'react';
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { request } from './api.ts';

// Me is the person who is logged in.
export interface Me {
  id: number;
  username: string;
  first_name?: string;
  is_staff: boolean;
}

// Demo is what a server says of itself that was started to be tried out.
export interface Demo {
  accounts: string[]; // whose passwords are their names
  psql: string; // a command that opens the database; empty where the server does not know one
}

// Tiles say where the map's tiles come from.
export interface Tiles {
  url: string; // with {z}, {x} and {y}
  attribution: string;
}

export interface Session {
  user: Me | null;
  apps: boolean;
  demo?: Demo;
  tiles?: Tiles;
  ended?: boolean; // somebody was logged in, and the server has said that they are no more
}

export interface Identity {
  user: Me | null; // null: nobody is logged in
  ended: boolean; // the login has ended by itself or elsewhere
  ready: boolean; // whether the server has said so yet
  apps: boolean; // the example applications are there
  demo: Demo | undefined; // the server is there to be tried out
  tiles: Tiles | undefined; // of a server of map tiles
  login: (username: string, password: string) => Promise<Me>; // throws a Problem
  logout: () => Promise<void>; // throws a Problem
  refresh: () => Promise<void>; // asks the server again
}

const Context = createContext<Identity | null>(null);

// useUser says who is logged in, and logs in and out.
export function useUser(): Identity {
  const identity = useContext(Context);
  if (!identity) throw new Error('useUser is for what stands inside UserProvider');
  return identity;
}

const RETRY = 2000; // milliseconds, while the server does not answer

// UserProvider asks the server who this is. /api/session answers 200 to anybody, so that nothing
// is written to the console of one who is not logged in.
export function UserProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>(null);
  const refresh = useCallback(async () => {
    const now = await request<Session>('GET', '/api/session');
    setSession((before) => afterAnswer(before, now));
  }, []);
  useEffect(() => askUntilAnswered(refresh), [refresh]);
  const login = useCallback(async (username: string, password: string) => {
    const { user } = await request<{ user: Me }>('POST', '/api/login', { body: { username, password } });
    setSession((before) => ({ apps: false, ...before, user, ended: false }));
    return user;
  }, []);
  const logout = useCallback(async () => {
    await request<void>('POST', '/api/logout', { body: {} });
    setSession((before) => ({ apps: false, ...before, user: null, ended: false }));
  }, []);
  const identity = useMemo<Identity>(
    () => ({ user: session?.user ?? null, ended: session?.ended ?? false, ready: session !== null, apps: session?.apps ?? false, demo: session?.demo, tiles: session?.tiles, login, logout, refresh }),
    [session, login, logout, refresh],
  );
  return <Context value={identity}>{children}</Context>;
}

// afterAnswer is what is known after the server has said who this is. What is the same stays the same object.
export function afterAnswer(before: Session | null, now: Session): Session {
  const next = { ...now, ended: !now.user && Boolean(before?.user || before?.ended) };
  return before && JSON.stringify({ ...before, ended: before.ended ?? false }) === JSON.stringify(next) ? before : next;
}

// askUntilAnswered repeats a request for as long as nobody answers. It returns what ends it.
function askUntilAnswered(ask: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const attempt = () => {
    ask().catch(() => {
      if (!over) timer = setTimeout(attempt, RETRY);
    });
  };
  attempt();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

// displayName is what to call a person.
export function displayName(person: { username?: string; first_name?: string; last_name?: string }): string {
  return [person.first_name, person.last_name].filter(Boolean).join(' ') || person.username || 'Unknown user';
}
