// How a person stands with rooms: those they are in, and those they have asked to join. It begins
// with the snapshot of topic user/{id} and follows the topic's events.
import type { RowcallEvent } from 'rowcall';
import type { RequestStatus } from '../../data/tables.ts';

export interface RoomEntry {
  id: number;
  title: string;
  owner_id?: number; // not known where only the membership was told
}

export interface Asked {
  id: number;
  room_id: number;
  title: string;
  status: RequestStatus;
}

export interface Standing {
  rooms: readonly RoomEntry[];
  asked: readonly Asked[]; // newest first
}

export function standingOf(rows: readonly { rooms: RoomEntry[]; join_requests: Asked[] }[]): Standing {
  const row = rows[0];
  return { rooms: sorted(row?.rooms ?? []), asked: [...(row?.join_requests ?? [])].sort((a, b) => b.id - a.id) };
}

// afterEvent returns a function for the events of one user.
export function afterEvent(me: number) {
  return (standing: Standing, { type, data }: RowcallEvent): Standing => {
    switch (type) {
      case 'room_joined':
      case 'room_created':
        return { ...standing, rooms: withRoom(standing.rooms, data) };
      case 'room_updated':
        return isKnown(standing, data.room_id) || data.owner_id === me ? { ...standing, rooms: withRoom(standing.rooms, data) } : standing;
      case 'room_renamed':
        return withTitle(standing, data);
      case 'room_left': // an owner stays, also where they were a member besides
        return { ...standing, rooms: standing.rooms.filter((r) => r.id !== data.room_id || r.owner_id === me) };
      case 'room_deleted':
        return { rooms: standing.rooms.filter((r) => r.id !== data.room_id), asked: standing.asked.filter((a) => a.room_id !== data.room_id) };
      case 'did_alter_join_request':
        return { ...standing, asked: withAnswer(standing.asked, data) };
      case 'join_request_updated':
        return { ...standing, asked: withStatus(standing.asked, Number(data.id), data.room_id, data.status) };
      case 'join_request_deleted':
        return { ...standing, asked: standing.asked.filter((a) => a.id !== Number(data.id)) };
    }
    return standing;
  };
}

const isKnown = (standing: Standing, room: number) => standing.rooms.some((r) => r.id === room);

interface RoomTold {
  room_id: number;
  title: string;
  owner_id?: number;
}

function withRoom(rooms: readonly RoomEntry[], told: RoomTold): RoomEntry[] {
  const before = rooms.find((r) => r.id === told.room_id);
  const entry = { id: told.room_id, title: told.title, owner_id: told.owner_id ?? before?.owner_id };
  return sorted([...rooms.filter((r) => r.id !== entry.id), entry]);
}

// A title is shown beside the room, and beside the request to join it.
function withTitle({ rooms, asked }: Standing, { room_id, title }: RoomTold): Standing {
  return {
    rooms: sorted(rooms.map((r) => (r.id === room_id ? { ...r, title } : r))),
    asked: asked.map((a) => (a.room_id === room_id ? { ...a, title } : a)),
  };
}

interface Altered {
  id: string;
  action: 'create' | 'admit' | 'deny';
  room_id: number;
  title?: string;
}

// A request that is created may be told twice: once by the function that made it.
function withAnswer(asked: readonly Asked[], told: Altered): readonly Asked[] {
  const id = Number(told.id);
  if (told.action !== 'create') return withStatus(asked, id, told.room_id, told.action === 'admit' ? 'admitted' : 'denied');
  if (asked.some((a) => a.id === id)) return asked;
  return [{ id, room_id: told.room_id, title: told.title ?? '', status: 'pending' as const }, ...asked];
}

const withStatus = (asked: readonly Asked[], id: number, room: number, status: RequestStatus) =>
  asked.map((a) => (a.id === id ? { ...a, room_id: room, status } : a));

const alphabet = new Intl.Collator(undefined, { numeric: true });

const sorted = (rooms: readonly RoomEntry[]) => [...rooms].sort((a, b) => alphabet.compare(a.title, b.title) || a.id - b.id);
