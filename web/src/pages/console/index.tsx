import { useState } from 'react';
import { useUser } from '../../data/user.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import styles from './console.module.css';
import { useConsole } from './console.ts';
import { Counters } from './Counters.tsx';
import { Sessions, Topics } from './Lists.tsx';
import { LogPanel } from './LogPanel.tsx';
import { Status } from './Status.tsx';
import { TailPanel } from './TailPanel.tsx';
import { Unfit } from './Unfit.tsx';
import { UnfollowableNotice } from './UnfollowableNotice.tsx';

const SAMPLE = "INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'Seen on the console')";
const INTRO = 'The state of the node that serves this page: its listener, its sessions, its log, and the events that any user receives.';

// Console shows staff the state of a node.
export default function Console() {
  const { user, ready } = useUser();
  if (!ready) return <Spinner />;
  return user?.is_staff ? <ForStaff /> : <ForOthers name={user?.username} />;
}

function ForOthers({ name }: { name: string | undefined }) {
  return (
    <Page title="Console" intro={INTRO}>
      <Panel>
        <Empty title="This page is for staff" action={<ButtonLink variant="primary" to="/login?to=%2Fconsole">Log in as staff</ButtonLink>}>
          {name ? <p>You are logged in as {name}, which is not a staff account.</p> : <p>Log in with a staff account. In the demo this is admin.</p>}
        </Empty>
      </Panel>
    </Page>
  );
}

function ForStaff() {
  const { apps } = useUser();
  const look = useConsole();
  const [chosen, setChosen] = useState({ topic: '', turn: 0 });
  const topics = look.node?.topics.rows.map((t) => t.topic) ?? [];
  return (
    <Page title="Console" intro={INTRO} sql={apps ? SAMPLE : undefined}>
      <Status {...look} />
      <Unfit node={look.node} />
      <Counters node={look.node} />
      <UnfollowableNotice of={look.node?.unfollowable} />
      <TailPanel topics={topics} chosen={chosen} />
      <div className={styles.lists}>
        <Topics list={look.node?.topics} onTail={(topic) => setChosen(({ turn }) => ({ topic, turn: turn + 1 }))} />
        <Sessions list={look.node?.sessions} />
      </div>
      <LogPanel node={look.node} />
    </Page>
  );
}
