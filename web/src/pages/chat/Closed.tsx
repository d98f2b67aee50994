import { useLive } from 'rowcall/react';
import { useEffect } from 'react';
import type { Id } from '../../data/ids.ts';
import { useUser } from '../../data/user.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import styles from './Closed.module.css';
import { JoinForm } from './JoinForm.tsx';
import { afterEvent, standingOf, type Standing } from './standing.ts';

export type Why = 'closed' | 'out' | 'gone' | 'broken';

const SAYS: Record<Why, { title: string; intro: string }> = {
  closed: { title: 'You are not a member of this room', intro: 'Only the owner and the members can enter. With the join code you can ask to join.' },
  out: { title: 'You are no longer a member of this room', intro: 'You left the room, or the owner removed you. With the join code you can ask to join again.' },
  gone: { title: 'Room not found', intro: 'It may have been deleted, or the address may be wrong.' },
  broken: { title: 'The room cannot be shown', intro: 'The server refused the request.' },
};

const PAUSE = 400; // milliseconds before the room is opened again, so that a refusal cannot repeat at full speed

// Closed is shown in place of a room that the user may not see. It follows the user's requests, and opens the room as soon
// as the user is admitted.
export function Closed({ room, why, onAdmitted }: { room: Id; why: Why; onAdmitted: () => void }) {
  const standing = useStanding();
  const inside = standing?.rooms.some((r) => r.id === room) ?? false;
  const asked = standing?.asked.find((a) => a.room_id === room);
  useEffect(() => {
    if (!inside) return;
    const timer = setTimeout(onAdmitted, PAUSE);
    return () => clearTimeout(timer);
  }, [inside, onAdmitted]);
  const { title, intro } = SAYS[why];
  return (
    <Page title={title} intro={intro} actions={<ButtonLink to="/chat">All my rooms</ButtonLink>}>
      {asked?.status === 'pending' && <Notice>You have asked to join. The room opens here as soon as the owner admits you.</Notice>}
      {asked?.status === 'denied' && <Notice tone="warn">The owner denied your last request.</Notice>}
      {why === 'broken' && <p><Button variant="primary" writes onClick={onAdmitted}>Try again</Button></p>}
      {(why === 'closed' || why === 'out') && asked?.status !== 'pending' && (
        <Panel title="Ask to join"><div className={styles.narrow}><JoinForm /></div></Panel>
      )}
    </Page>
  );
}

function useStanding(): Standing | undefined {
  const me = useUser().user!.id;
  return useLive<string, Standing>({ topic: `user/${me}`, from: standingOf, reduce: afterEvent(me) }).state;
}
