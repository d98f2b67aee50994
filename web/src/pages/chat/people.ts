// Who is in a room, and who waits for it: read once, then kept by the events of topic room/{id}.
import type { RowcallEvent } from 'rowcall';
import type { JoinRequest, Member, Room, User } from '../../data/tables.ts';
import { displayName } from '../../data/user.tsx';

export interface Waiting {
  id: number; // of the request
  user: number;
}

export interface People {
  room: Pick<Room, 'id' | 'title' | 'owner_id'> & { join_code?: string };
  members: readonly number[]; // user ids, without the owner's
  waiting: readonly Waiting[]; // shown to the owner only
  names: ReadonlyMap<number, string>; // of everybody who was seen, also of those who have left
}

export interface Read {
  room: Room;
  members: Member[];
  requests: JoinRequest[]; // pending ones
  users: User[];
}

export function peopleOf({ room, members, requests, users }: Read): People {
  return {
    room,
    members: members.map((m) => m.user_id).filter((id) => id !== room.owner_id),
    waiting: requests.map((r) => ({ id: r.id, user: r.user_id })),
    names: new Map(users.map((u) => [u.id, displayName(u)])),
  };
}

export function afterEvent(people: People, { type, data }: RowcallEvent): People {
  switch (type) {
    case 'member_joined':
      return withMember(named(people, data.user_id, data), data.user_id);
    case 'member_left':
      return { ...named(people, data.user_id, data), members: people.members.filter((id) => id !== data.user_id) };
    case 'did_alter_join_request':
      return afterRequest(people, data);
    case 'join_request_updated':
      return data.status === 'pending' ? withWaiting(people, Number(data.id), data.user_id) : withoutRequest(people, data.id);
    case 'join_request_deleted':
      return withoutRequest(people, data.id);
    case 'room_updated':
      return withOwner(people, data);
  }
  return people;
}

interface Altered {
  id: string;
  action: 'create' | 'admit' | 'deny';
  requesting_user: Pick<User, 'id' | 'first_name' | 'last_name'> | null;
}

function afterRequest(people: People, { id, action, requesting_user: user }: Altered): People {
  if (action !== 'create' || !user) return withoutRequest(people, id);
  return withWaiting(named(people, user.id, user), Number(id), user.id);
}

function named(people: People, id: number, person: Partial<User>): People {
  return { ...people, names: new Map(people.names).set(id, displayName(person)) };
}

function withMember(people: People, id: number): People {
  if (id === people.room.owner_id || people.members.includes(id)) return people;
  return { ...people, members: [...people.members, id] };
}

function withWaiting(people: People, id: number, user: number): People {
  if (people.waiting.some((w) => w.id === id)) return people;
  return { ...people, waiting: [...people.waiting, { id, user }] };
}

const withoutRequest = (people: People, id: string | number): People =>
  ({ ...people, waiting: people.waiting.filter((w) => w.id !== Number(id)) });

// Who gives a room away stays as a member, and is told of as one by itself where that was new.
function withOwner(people: People, { title, owner_id }: { title: string; owner_id: number }): People {
  const members = people.members.filter((id) => id !== owner_id);
  return { ...people, room: { ...people.room, title, owner_id }, members };
}
