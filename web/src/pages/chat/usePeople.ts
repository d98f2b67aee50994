import type { RowcallEvent } from 'rowcall';
import { useTopic } from 'rowcall/react';
import { useCallback, useEffect, useReducer, useState } from 'react';
import { describe } from '../../data/api.ts';
import { getRow, listRows } from '../../data/rows.ts';
import type { User } from '../../data/tables.ts';
import type { People, Read } from './people.ts';
import { afterEvent, peopleOf } from './people.ts';

const MOST = 1000; // rows a list has at most
const IDS = 200; // that fit into one address

// State holds what has happened since reading began: what was read may be from before it.
interface State {
  people: People | undefined;
  since: readonly RowcallEvent[] | undefined; // undefined: nothing is being read
}

type Step = { do: 'read' } | { do: 'done'; read: Read } | { do: 'event'; event: RowcallEvent };

// step: events are facts that set rather than count, so one that what was read knows of already
// does no harm, and the last one wins.
export function step({ people, since }: State, action: Step): State {
  switch (action.do) {
    case 'read':
      return { people, since: since ?? [] };
    case 'done':
      return { people: (since ?? []).reduce(afterEvent, keepNames(people, peopleOf(action.read))), since: undefined };
    case 'event':
      return { people: people && afterEvent(people, action.event), since: since && [...since, action.event] };
  }
}

// Who has left is not in the lists any more, but what they said is still on the page.
function keepNames(before: People | undefined, now: People): People {
  return before ? { ...now, names: new Map([...before.names, ...now.names]) } : now;
}

// usePeople is who is in a room and who waits, for one who is in it. Each change of attempt reads
// anew: the connection may have missed something.
export function usePeople(room: number, me: number) {
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
  }, [load, isOwner]); // who becomes the owner is shown who waits
  return { people, wrong, reload: () => void load() };
}

async function read(id: number, me: number, signal?: AbortSignal): Promise<Read> {
  const room = await getRow('rooms', id, signal);
  const [members, requests] = await Promise.all([
    listRows('members', { room_id: id, limit: MOST }, signal),
    room.owner_id === me ? listRows('join_requests', { room_id: id, status: 'pending', limit: MOST }, signal) : { rows: [] },
  ]);
  const ids = new Set([room.owner_id, ...members.rows.map((m) => m.user_id), ...requests.rows.map((r) => r.user_id)]);
  return { room, members: members.rows, requests: requests.rows, users: await readUsers([...ids], signal) };
}

async function readUsers(ids: number[], signal?: AbortSignal): Promise<User[]> {
  const parts = Array.from({ length: Math.ceil(ids.length / IDS) }, (_, i) => ids.slice(i * IDS, (i + 1) * IDS));
  const lists = await Promise.all(parts.map((id) => listRows('users', { id, limit: MOST }, signal)));
  return lists.flatMap((list) => list.rows);
}
