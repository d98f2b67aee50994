import { useLive } from 'rowcall/react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Id } from '../../data/ids.ts';
import { useUser } from '../../data/user.tsx';
import { Badge, type Tone } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Flash } from '../../ui/Flash.tsx';
import { Plus } from '../../ui/icons.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { CreateRoom } from './CreateRoom.tsx';
import { JoinForm } from './JoinForm.tsx';
import styles from './Rooms.module.css';
import { afterEvent, standingOf, type Asked, type RoomEntry, type Standing } from './standing.ts';
import { linesFor } from './terminal.ts';

// Rooms is the overview: the user's rooms and requests, and a form to join a room.
export function Rooms() {
  const me = useUser().user!.id;
  const [creating, setCreating] = useState(false);
  const { state, status, error } = useLive<string, Standing>({ topic: `user/${me}`, from: standingOf, reduce: afterEvent(me) });
  return (
    <Page
      title="Chat"
      intro="Your rooms and your requests to join. Both lists update by themselves."
      actions={<Button variant="primary" writes onClick={() => setCreating(true)}><Plus /> New room</Button>}
      sql={state && linesFor(me, state)}
    >
      {status === 'stopped' && <Notice tone="bad">{error?.message ?? 'Your rooms cannot be shown.'}</Notice>}
      <div className={styles.columns}>
        <Panel title="My rooms" flush>{state ? <RoomList rooms={state.rooms} me={me} /> : <Spinner />}</Panel>
        <div className={styles.column}>
          <Panel title="Join a room">
            <p className={styles.hint}>Ask the owner of a room for its code. The owner decides whether to admit you.</p>
            <JoinForm />
          </Panel>
          <Panel title="My requests" flush>{state ? <RequestList asked={state.asked} rooms={state.rooms} /> : <Spinner />}</Panel>
        </div>
      </div>
      <CreateRoom open={creating} onClose={() => setCreating(false)} />
    </Page>
  );
}

function RoomList({ rooms, me }: { rooms: readonly RoomEntry[]; me: Id }) {
  if (rooms.length === 0) return <Empty title="No rooms yet"><p>Create a room, or join one with its code.</p></Empty>;
  return (
    <ul className={styles.list}>
      {rooms.map((room) => (
        <li key={room.id}>
          <Link href={`/chat/${room.id}`} className={styles.room}>
            <span className={styles.title}>{room.title}</span>
            {room.owner_id === me && <Badge tone="accent">Yours</Badge>}
            <span className={styles.arrow} aria-hidden="true">›</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

interface Word {
  tone: Tone;
  word: string;
}

const LEFT: Word = { tone: 'neutral', word: 'Admitted, no longer a member' };

const WORDS: Record<Asked['status'], Word> = {
  pending: { tone: 'warn', word: 'Waiting for the owner' },
  admitted: { tone: 'good', word: 'Admitted' },
  denied: { tone: 'bad', word: 'Denied' },
};

function RequestList({ asked, rooms }: { asked: readonly Asked[]; rooms: readonly RoomEntry[] }) {
  if (asked.length === 0) return <Empty title="No requests yet"><p>With a room’s code you can ask to join it.</p></Empty>;
  return (
    <ul className={styles.list} aria-live="polite">
      {asked.map((a) => <Request key={a.id} asked={a} inside={rooms.some((r) => r.id === a.room_id)} />)}
    </ul>
  );
}

function Request({ asked: { title, status, room_id: room }, inside }: { asked: Asked; inside: boolean }) {
  const { tone, word } = status === 'admitted' && !inside ? LEFT : WORDS[status];
  return (
    <li className={styles.request}>
      <span className={styles.title}>{title || 'A room'}</span>
      <Flash value={status}><Badge tone={tone}>{word}</Badge></Flash>
      {status === 'admitted' && inside && <ButtonLink small variant="quiet" to={`/chat/${room}`}>Enter</ButtonLink>}
    </li>
  );
}
