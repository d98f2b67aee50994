// A user's rooms and requests to join: the snapshot of topic user/{id}, kept up to date by its events.
import type { RowcallEvent } from 'rowcall';
import { compareIds, type Id, withTextIds } from '../../data/ids.ts';
import type { RequestStatus } from '../../data/tables.ts';

export interface RoomEntry {
  id: Id;
  title: string;
  owner_id?: Id; // unknown if only the membership was reported
}

export interface Asked {
  id: Id;
  room_id: Id;
  title: string;
  status: RequestStatus;
}

export interface Standing {
  rooms: readonly RoomEntry[];
  asked: readonly Asked[]; // newest first
}

export function standingOf(rows: readonly { rooms: readonly object[]; join_requests: readonly object[] }[]): Standing {
  const rooms = (rows[0]?.rooms ?? []).map((room) => withTextIds<RoomEntry>(room));
  const asked = (rows[0]?.join_requests ?? []).map((request) => withTextIds<Asked>(request));
  return { rooms: sorted(rooms), asked: asked.sort((a, b) => compareIds(b.id, a.id)) };
}

// afterEvent returns the reducer for a user's events.
export function afterEvent(me: Id) {
  return (standing: Standing, event: RowcallEvent): Standing => {
    const data = withTextIds<any>(event.data);
    switch (event.type) {
      case 'room_joined':
      case 'room_created':
        return { ...standing, rooms: withRoom(standing.rooms, data) };
      case 'room_updated':
        return isKnown(standing, data.room_id) || data.owner_id === me ? { ...standing, rooms: withRoom(standing.rooms, data) } : standing;
      case 'room_renamed':
        return withTitle(standing, data);
      case 'room_left': // an owner stays, even if the membership beside it ended
        return { ...standing, rooms: standing.rooms.filter((r) => r.id !== data.room_id || r.owner_id === me) };
      case 'room_deleted':
        return { rooms: standing.rooms.filter((r) => r.id !== data.room_id), asked: standing.asked.filter((a) => a.room_id !== data.room_id) };
      case 'did_alter_join_request':
        return { ...standing, asked: withAnswer(standing.asked, data) };
      case 'join_request_updated':
        return { ...standing, asked: withStatus(standing.asked, data.id, data.room_id, data.status) };
      case 'join_request_deleted':
        return { ...standing, asked: standing.asked.filter((a) => a.id !== data.id) };
    }
    return standing;
  };
}

const isKnown = (standing: Standing, room: Id) => standing.rooms.some((r) => r.id === room);

interface RoomTold {
  room_id: Id;
  title: string;
  owner_id?: Id;
}

function withRoom(rooms: readonly RoomEntry[], told: RoomTold): RoomEntry[] {
  const before = rooms.find((r) => r.id === told.room_id);
  const entry = { id: told.room_id, title: told.title, owner_id: told.owner_id ?? before?.owner_id };
  return sorted([...rooms.filter((r) => r.id !== entry.id), entry]);
}

// withTitle changes a title in the list of rooms and in the list of requests.
function withTitle({ rooms, asked }: Standing, { room_id, title }: RoomTold): Standing {
  return {
    rooms: sorted(rooms.map((r) => (r.id === room_id ? { ...r, title } : r))),
    asked: asked.map((a) => (a.room_id === room_id ? { ...a, title } : a)),
  };
}

interface Altered {
  id: Id;
  action: 'create' | 'admit' | 'deny';
  room_id: Id;
  title?: string;
}

// withAnswer applies the creation of a request, or the answer to it. A creation may be reported twice.
function withAnswer(asked: readonly Asked[], { id, action, room_id, title }: Altered): readonly Asked[] {
  if (action !== 'create') return withStatus(asked, id, room_id, action === 'admit' ? 'admitted' : 'denied');
  if (asked.some((a) => a.id === id)) return asked;
  return [{ id, room_id, title: title ?? '', status: 'pending' as const }, ...asked];
}

const withStatus = (asked: readonly Asked[], id: Id, room: Id, status: RequestStatus) =>
  asked.map((a) => (a.id === id ? { ...a, room_id: room, status } : a));

const alphabet = new Intl.Collator(undefined, { numeric: true });

const sorted = (rooms: readonly RoomEntry[]) => [...rooms].sort((a, b) => alphabet.compare(a.title, b.title) || compareIds(a.id, b.id));
