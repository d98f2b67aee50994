// Statements for psql that change rows of the example applications.
const LINES: Record<string, string> = {
  join_requests: 'INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1)',
  rooms: "UPDATE chat_rooms SET title = 'Evening group' WHERE id = 1",
  members: 'DELETE FROM chat_room_members WHERE room_id = 2 AND user_id = 4',
  messages: "INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'Hello from psql')",
  users: "UPDATE users SET last_name = 'Berg' WHERE username = 'carol'",
  patients: "UPDATE patients SET dismissal_date = now() WHERE id = 1",
  dams: "INSERT INTO dams (name, latitude, longitude) VALUES ('New dam', 40.4, -111.5)",
  hydrographs: 'INSERT INTO hydrographs (dam_id) VALUES (2)',
  hydrograph_points: 'UPDATE hydrograph_points SET flow = flow * 2 WHERE time > 12',
  jobs: "UPDATE job_postings SET state = 'running', progress = 50 WHERE id = 1",
};

const ABOUT: Record<string, string> = {
  join_requests: "UPDATE chat_join_requests SET status = 'admitted'",
  rooms: "UPDATE chat_rooms SET title = 'Evening group'",
  members: 'DELETE FROM chat_room_members',
  messages: "UPDATE chat_messages SET message = 'Edited in psql'",
  users: "UPDATE users SET last_name = 'Berg'",
  patients: 'UPDATE patients SET dismissal_date = now()',
  dams: "UPDATE dams SET river = 'Provo'",
  hydrographs: 'UPDATE hydrographs SET dam_id = 2',
  hydrograph_points: 'UPDATE hydrograph_points SET flow = flow * 2',
  jobs: "UPDATE job_postings SET state = 'running', progress = 50",
};

// linesFor returns a statement for the page of a list; undefined for other tables.
export const linesFor = (resource: string): string | undefined => LINES[resource];

// lineAbout returns a statement for the page of a row. The keys of these tables are numbers.
export function lineAbout(resource: string, key: string): string | undefined {
  return ABOUT[resource] && /^-?\d+$/.test(key) ? `${ABOUT[resource]} WHERE id = ${key}` : undefined;
}
