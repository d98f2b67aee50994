import { useState } from 'react';
import type { Id } from '../../data/ids.ts';
import { useUser } from '../../data/user.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { Composer } from './Composer.tsx';
import { Messages } from './Messages.tsx';
import type { People } from './people.ts';
import { PeoplePanel } from './PeoplePanel.tsx';
import styles from './Room.module.css';
import type { Talk } from './talk.ts';
import { useOutbox } from './useOutbox.ts';
import { usePeople } from './usePeople.ts';

// Room is a room for its owner and its members.
export function Room({ id, talk }: { id: Id; talk: Talk }) {
  const me = useUser().user!.id;
  const { people, wrong, reload } = usePeople(id, me);
  const { letters, add, retry, discard } = useOutbox(me, id, talk);
  const [open, setOpen] = useState(false); // on a phone, the members are shown in place of the messages
  const waiting = people?.room.owner_id === me ? people.waiting.length : 0;
  return (
    <Page
      title={people?.room.title ?? 'Chat'}
      intro="Everyone in this room sees each message as soon as it is committed."
      actions={<ButtonLink to="/chat">All my rooms</ButtonLink>}
      sql={`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (${id}, ${me}, 'Hello from psql')`}
    >
      {wrong && <Notice tone="bad" actions={<Button small onClick={reload}>Try again</Button>}>{wrong}</Notice>}
      <div className={classes(styles.room, open && styles.open)}>
        <section className={styles.talk} aria-label="Conversation">
          <Toggle open={open} people={people} waiting={waiting} toggle={() => setOpen(!open)} />
          <Messages talk={talk} letters={letters} me={me} names={people?.names} retry={retry} discard={discard} />
          <Composer draftKey={`rowcall.draft.${me}.${id}`} send={add} />
        </section>
        <div className={styles.side}>
          <Panel>{people ? <PeoplePanel people={people} me={me} /> : <Spinner />}</Panel>
        </div>
      </div>
    </Page>
  );
}

interface ToggleProps {
  open: boolean;
  people: People | undefined;
  waiting: number;
  toggle: () => void;
}

// Toggle switches between messages and members on a phone, which has no room for both.
function Toggle({ open, people, waiting, toggle }: ToggleProps) {
  return (
    <div className={styles.toggle}>
      <Button small wide aria-expanded={open} onClick={toggle}>
        {open ? 'Back to the messages' : `Members (${people ? people.members.length + 1 : '…'})`}
        {waiting > 0 && !open && <> <Badge tone="warn">{waiting} waiting</Badge></>}
      </Button>
    </div>
  );
}
