import { Panel } from '../../ui/Panel.tsx';
import { PsqlLine } from '../../ui/PsqlLine.tsx';
import { useUser } from '../../data/user.tsx';
import styles from './Home.module.css';

const STATEMENTS = [
  { says: 'Post a message in room 1', sql: "INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'Hello from psql')" },
  { says: 'Admit carol to room 1', sql: "UPDATE chat_join_requests SET status = 'admitted' WHERE user_id = 3 AND room_id = 1" },
  { says: 'Discharge a patient', sql: 'UPDATE patients SET dismissal_date = now() WHERE id = 1' },
  { says: 'Add a dam', sql: "INSERT INTO dams (name, river, latitude, longitude) VALUES ('Mauvoisin', 'Drance', 46.0, 7.35)" },
  { says: 'Advance the jobs of alice', sql: "UPDATE job_postings SET state = 'running', progress = progress + 10 WHERE user_id = 1 AND progress < 90" },
];

// Statements lists statements to try.
export function Statements() {
  const { demo } = useUser();
  return (
    <Panel title="Change a row and watch">
      <p className={styles.hint}>
        {demo?.psql ? 'The button copies a command for a terminal, which opens the database and runs the statement. The pages change without a reload.' : 'Run these in psql. The pages change without a reload.'}
      </p>
      <div className={styles.statements}>
        {STATEMENTS.map(({ says, sql }) => <div key={says} className={styles.statement}><p>{says}</p><PsqlLine sql={sql} label={says} /></div>)}
      </div>
    </Panel>
  );
}
