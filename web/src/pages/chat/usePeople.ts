import type { RowcallEvent } from 'rowcall';
import { useTopic } from 'rowcall/react';
import { useCallback, useEffect, useReducer, useState } from 'react';
import { describe } from '../../data/api.ts';
import type { Id } from '../../data/ids.ts';
import { useReconnected } from '../../data/online.ts';
import { tableOf, type User } from '../../data/tables.ts';
import type { People, Read } from './people.ts';
import { afterEvent, peopleOf } from './people.ts';

const MOST = 1000; // rows of one list
const IDS = 200; // ids in one request

// State keeps the events since loading began, because the loaded lists may be older.
interface State {
  people: People | undefined;
  since: readonly RowcallEvent[] | undefined; // undefined: not loading
}

type Step = { do: 'read' } | { do: 'done'; read: Read } | { do: 'event'; event: RowcallEvent };

// step applies an action. Applying an event that the loaded lists contain already does no harm: events set values, they do
// not count.
export function step(state: State, action: Step): State {
  const { people, since } = state;
  switch (action.do) {
    case 'read':
      return { people, since: since ?? [] };
    case 'done':
      return { people: (since ?? []).reduce(afterEvent, keepNames(people, peopleOf(action.read))), since: undefined };
    case 'event': {
      const now = people && afterEvent(people, action.event);
      if (now === people && !since) return state; // the event is about a message
      return { people: now, since: since && [...since, action.event] };
    }
  }
}

// keepNames keeps the names of users who have left: their messages are still shown.
function keepNames(before: People | undefined, now: People): People {
  return before ? { ...now, names: new Map([...before.names, ...now.names]) } : now;
}

// usePeople returns the members of a room and the requests to join it, for a member.
export function usePeople(room: Id, me: Id) {
  const [{ people }, dispatch] = useReducer(step, { people: undefined, since: undefined });
  const [wrong, setWrong] = useState('');
  const isOwner = people?.room.owner_id === me;
  const load = useCallback((signal?: AbortSignal) => {
    dispatch({ do: 'read' });
    setWrong('');
    return read(room, me, signal).then(
      (found) => dispatch({ do: 'done', read: found }),
      (error: unknown) => { if (!signal?.aborted) setWrong(describe(error)); },
    );
  }, [room, me]);
  useTopic(`room/${room}`, (event: RowcallEvent) => dispatch({ do: 'event', event }), { onReset: () => void load() });
  useEffect(() => {
    const gone = new AbortController();
    void load(gone.signal);
    return () => gone.abort();
  }, [load, isOwner]); // a new owner may see the requests
  useReconnected(() => { if (wrong) void load(); });
  return { people, wrong, reload: () => void load() };
}

async function read(id: Id, me: Id, signal?: AbortSignal): Promise<Read> {
  const room = await tableOf('rooms').get(id, signal);
  const [members, requests] = await Promise.all([
    tableOf('members').list({ room_id: id, limit: MOST }, signal),
    room.owner_id === me ? tableOf('join_requests').list({ room_id: id, status: 'pending', limit: MOST }, signal) : { rows: [] },
  ]);
  const ids = new Set([room.owner_id, ...members.rows.map((m) => m.user_id), ...requests.rows.map((r) => r.user_id)]);
  return { room, members: members.rows, requests: requests.rows, users: await readUsers([...ids], signal) };
}

async function readUsers(ids: Id[], signal?: AbortSignal): Promise<User[]> {
  const parts = Array.from({ length: Math.ceil(ids.length / IDS) }, (_, i) => ids.slice(i * IDS, (i + 1) * IDS));
  const lists = await Promise.all(parts.map((id) => tableOf('users').list({ id, limit: MOST }, signal)));
  return lists.flatMap((list) => list.rows);
}
