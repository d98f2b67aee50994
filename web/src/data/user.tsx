import type { ReactNode } from 'react';
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { request } from './api.ts';
import { findCode, redeemCode } from './code.ts';
import { type Id, idOf } from './ids.ts';

// Me is the user who is logged in.
export interface Me {
  id: Id;
  username: string;
  first_name?: string;
  is_staff: boolean;
}

// Demo describes a demo server.
export interface Demo {
  accounts: string[]; // user names, which are also the passwords
  psql: string; // a shell command that opens the database; empty if the server does not know one
}

// Tiles describes the server of the map's tiles.
export interface Tiles {
  url: string; // with {z}, {x} and {y}
  attribution: string;
}

export interface Session {
  user: Me | null;
  apps: boolean;
  demo?: Demo;
  tiles?: Tiles;
  watch?: boolean; // the server is that of rowcall watch: a one-time code opens its pages
  ended?: boolean; // the login has ended, and not by a logout on this page
}

export interface Identity {
  user: Me | null; // null: nobody is logged in
  ended: boolean; // the login has ended, and not by a logout on this page
  ready: boolean; // the server has answered
  apps: boolean; // the example applications are installed
  demo: Demo | undefined; // set by a demo server
  tiles: Tiles | undefined; // set if map tiles are configured
  watch: boolean; // the server is that of rowcall watch: a one-time code opens its pages
  refused: string; // why the one-time code in the page's address was refused; empty if it was not
  login: (username: string, password: string) => Promise<Me>; // throws a Problem
  logout: () => Promise<void>; // throws a Problem
  refresh: () => Promise<void>; // asks the server again
}

const Context = createContext<Identity | null>(null);

// useUser returns the logged-in user, and functions to log in and out.
export function useUser(): Identity {
  const identity = useContext(Context);
  if (!identity) throw new Error('useUser needs a UserProvider');
  return identity;
}

const RETRY = 2000; // milliseconds, while the server does not answer

// UserProvider asks the server who is logged in. It uses /api/session, which answers 200 to an anonymous user as well: an
// error status would appear in the browser's console.
export function UserProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>(null);
  const refresh = useCallback(async () => {
    const now = withTextId(await request<Session>('GET', '/api/session'));
    setSession((before) => afterAnswer(before, now));
  }, []);
  const [refused, setRefused] = useState('');
  useEffect(() => {
    const ask = () => askUntilAnswered(async () => {
      setRefused(await redeemCode());
      await refresh();
    });
    let end = ask();
    const again = () => {
      if (!findCode()) return;
      end();
      end = ask();
    };
    window.addEventListener('hashchange', again); // the address was opened in a tab that has this page already
    return () => {
      window.removeEventListener('hashchange', again);
      end();
    };
  }, [refresh]);
  const login = useCallback(async (username: string, password: string) => {
    const { user } = withTextId(await request<{ user: Me }>('POST', '/api/login', { body: { username, password } }));
    setSession((before) => ({ apps: false, ...before, user, ended: false }));
    return user;
  }, []);
  const logout = useCallback(async () => {
    await request<void>('POST', '/api/logout', { body: {} });
    setSession((before) => ({ apps: false, ...before, user: null, ended: false }));
  }, []);
  const identity = useMemo<Identity>(
    () => ({ user: session?.user ?? null, ended: session?.ended ?? false, ready: session !== null, apps: session?.apps ?? false, demo: session?.demo, tiles: session?.tiles, watch: session?.watch ?? false, refused, login, logout, refresh }),
    [session, refused, login, logout, refresh],
  );
  return <Context value={identity}>{children}</Context>;
}

// withTextId returns an answer with the user's id as text.
const withTextId = <Answer extends { user: Me | null }>(answer: Answer): Answer =>
  (answer.user ? { ...answer, user: { ...answer.user, id: idOf(answer.user.id) } } : answer);

// afterAnswer returns the session after an answer of the server: the same object if nothing has changed.
export function afterAnswer(before: Session | null, now: Session): Session {
  const next = { ...now, ended: !now.user && Boolean(before?.user || before?.ended) };
  return before && JSON.stringify({ ...before, ended: before.ended ?? false }) === JSON.stringify(next) ? before : next;
}

// askUntilAnswered repeats a request until it succeeds. It returns a function that ends this.
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

// displayName returns a user's full name, or else the user name.
export function displayName(person: { username?: string; first_name?: string; last_name?: string }): string {
  return [person.first_name, person.last_name].filter(Boolean).join(' ') || person.username || 'Unknown user';
}
