// Rows of the example applications as /api/{resource} has them. Points in time are ISO 8601.

export interface User {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
}

export interface Room {
  id: number;
  owner_id: number;
  title: string;
  join_code: string;
}

export interface Member {
  id: number;
  room_id: number;
  user_id: number;
}

export interface Message {
  id: number;
  room_id: number;
  sender_id: number;
  posted: string;
  message: string;
}

export type RequestStatus = 'pending' | 'admitted' | 'denied';

export interface JoinRequest {
  id: number;
  room_id: number;
  user_id: number;
  status: RequestStatus;
}

export interface Patient {
  id: number;
  first_name: string;
  last_name: string;
  admission_date: string | null;
  dismissal_date: string | null;
  updated_at: string;
  created_at: string;
}

export interface Dam {
  id: number;
  name: string | null;
  latitude: number | null;
  longitude: number | null;
  owner: string | null;
  river: string | null;
  date_built: string | null;
}

export interface Hydrograph {
  id: number;
  dam_id: number | null;
}

export interface HydrographPoint {
  id: number;
  hydrograph_id: number | null;
  time: number | null; // hours
  flow: number | null; // cubic feet a second
}

export interface Job {
  id: number;
  user_id: number;
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
