import { useLive } from 'rowcall/react';
import { useState } from 'react';
import type { Id } from '../../data/ids.ts';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { Closed, type Why } from './Closed.tsx';
import { Room } from './Room.tsx';
import type { Talk } from './talk.ts';
import { afterEvent, talkOf } from './talk.ts';

// RoomPage shows a room to its members, and to others the form to join. When a waiting user is admitted, a new visit loads
// the room.
export function RoomPage({ id }: { id: Id }) {
  const [visit, setVisit] = useState(0);
  return <Visit key={visit} id={id} again={() => setVisit((n) => n + 1)} />;
}

function Visit({ id, again }: { id: Id; again: () => void }) {
  const { state, status, error } = useLive<string, Talk>({ topic: `room/${id}`, from: talkOf, reduce: afterEvent });
  if (status === 'stopped') return <Closed room={id} why={whyOf(error?.code, state !== undefined)} onAdmitted={again} />;
  if (!state) return <Page title="Chat" intro="Loading the room."><Panel><Spinner label="Loading the room" /></Panel></Page>;
  return <Room id={id} talk={state} />;
}

function whyOf(code: string | undefined, wasIn: boolean): Why {
  if (code === 'forbidden') return wasIn ? 'out' : 'closed';
  return code === 'not_found' ? 'gone' : 'broken';
}
