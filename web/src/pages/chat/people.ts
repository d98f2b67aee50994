// The members of a room and the requests to join it: loaded once, then kept up to date by the events of topic room/{id}.
import type { RowcallEvent } from 'rowcall';
import { type Id, withTextIds } from '../../data/ids.ts';
import type { JoinRequest, Member, Room, User } from '../../data/tables.ts';
import { displayName } from '../../data/user.tsx';

export interface Waiting {
  id: Id; // of the request
  user: Id;
}

export interface People {
  room: Pick<Room, 'id' | 'title' | 'owner_id'> & { join_code?: string };
  members: readonly Id[]; // of users, without the owner
  waiting: readonly Waiting[]; // known to the owner only
  names: ReadonlyMap<Id, string>; // by user, including users who have left
}

export interface Read {
  room: Room;
  members: Member[];
  requests: JoinRequest[]; // pending
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

export function afterEvent(people: People, event: RowcallEvent): People {
  const data = withTextIds<any>(event.data);
  switch (event.type) {
    case 'member_joined':
      return withMember(withName(people, data.user_id, data), data.user_id);
    case 'member_left':
      return { ...withName(people, data.user_id, data), members: people.members.filter((id) => id !== data.user_id) };
    case 'did_alter_join_request':
      return afterRequest(people, data);
    case 'join_request_updated':
      return data.status === 'pending' ? withWaiting(people, data.id, data.user_id) : withoutRequest(people, data.id);
    case 'join_request_deleted':
      return withoutRequest(people, data.id);
    case 'room_updated':
      return withOwner(people, data);
  }
  return people;
}

interface Altered {
  id: Id;
  action: 'create' | 'admit' | 'deny';
  requesting_user: object | null;
}

function afterRequest(people: People, { id, action, requesting_user: requester }: Altered): People {
  if (action !== 'create' || !requester) return withoutRequest(people, id);
  const user = withTextIds<User>(requester);
  return withWaiting(withName(people, user.id, user), id, user.id);
}

function withName(people: People, id: Id, person: Partial<User>): People {
  return { ...people, names: new Map(people.names).set(id, displayName(person)) };
}

function withMember(people: People, id: Id): People {
  if (id === people.room.owner_id || people.members.includes(id)) return people;
  return { ...people, members: [...people.members, id] };
}

function withWaiting(people: People, id: Id, user: Id): People {
  if (people.waiting.some((w) => w.id === id)) return people;
  return { ...people, waiting: [...people.waiting, { id, user }] };
}

const withoutRequest = (people: People, id: Id): People => ({ ...people, waiting: people.waiting.filter((w) => w.id !== id) });

// withOwner changes the owner. The owner before stays a member; if that is new, an event of its own says so.
function withOwner(people: People, { title, owner_id }: { title: string; owner_id: Id }): People {
  const members = people.members.filter((id) => id !== owner_id);
  return { ...people, room: { ...people.room, title, owner_id }, members };
}
