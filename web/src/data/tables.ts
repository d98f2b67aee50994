// The tables of the example applications, as /api/{resource} serves them. Ids are text; points in time are ISO 8601.
import { request } from './api.ts';
import { type Id, withNumberIds, withTextIds } from './ids.ts';
import { createRow, deleteRow, getRow, type Listing, listRows, patchRow, type Query, type Row } from './rows.ts';

export interface User {
  id: Id;
  username: string;
  first_name: string;
  last_name: string;
}

export interface Room {
  id: Id;
  owner_id: Id;
  title: string;
  join_code: string;
}

export interface Member {
  id: Id;
  room_id: Id;
  user_id: Id;
}

export interface Message {
  id: Id;
  room_id: Id;
  sender_id: Id;
  posted: string;
  message: string;
}

export type RequestStatus = 'pending' | 'admitted' | 'denied';

export interface JoinRequest {
  id: Id;
  room_id: Id;
  user_id: Id;
  status: RequestStatus;
}

export interface Patient {
  id: Id;
  first_name: string;
  last_name: string;
  admission_date: string | null;
  dismissal_date: string | null;
  updated_at: string;
  created_at: string;
}

export interface Dam {
  id: Id;
  name: string | null;
  latitude: number | null;
  longitude: number | null;
  owner: string | null;
  river: string | null;
  date_built: string | null;
}

export interface Hydrograph {
  id: Id;
  dam_id: Id | null;
}

export interface HydrographPoint {
  id: Id;
  hydrograph_id: Id | null;
  time: number | null; // hours
  flow: number | null; // cubic feet a second
}

export interface Job {
  id: Id;
  user_id: Id;
  title: string;
  state: string;
  progress: number; // per cent
}

export interface Resources {
  users: User;
  rooms: Room;
  members: Member;
  messages: Message;
  join_requests: JoinRequest;
  patients: Patient;
  dams: Dam;
  hydrographs: Hydrograph;
  hydrograph_points: HydrographPoint;
  jobs: Job;
}

// tableOf returns the requests for a table.
export function tableOf<Name extends keyof Resources>(name: Name) {
  type R = Resources[Name];
  return {
    async list(params: Query = {}, signal?: AbortSignal): Promise<Listing<R>> {
      const listing = await listRows(name, params, signal);
      return { ...listing, rows: listing.rows.map((row) => withTextIds<R>(row)) };
    },
    get: async (id: Id, signal?: AbortSignal) => withTextIds<R>(await getRow(name, id, signal)),
    create: async (row: Partial<R>) => withTextIds<R>(await createRow(name, withNumberIds(row as Row))),
    patch: async (id: Id, fields: Partial<R>) => withTextIds<R>(await patchRow(name, id, withNumberIds(fields as Row))),
    delete: (id: Id) => deleteRow(name, id),
  };
}

// callFunction runs a function of the database. Arguments and result have text ids.
export async function callFunction<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  const result = await request<unknown>('POST', `/api/functions/${encodeURIComponent(name)}`, { body: withNumberIds(args) });
  return (result && typeof result === 'object' && !Array.isArray(result) ? withTextIds(result) : result) as T;
}
