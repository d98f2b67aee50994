import { useParams } from 'wouter';
import { Missing } from '../../shell/Missing.tsx';
import { NeedsLogin } from '../../ui/NeedsLogin.tsx';
import { Page } from '../../ui/Page.tsx';
import { useUser } from '../../data/user.tsx';
import { RoomPage } from './RoomPage.tsx';
import { Rooms } from './Rooms.tsx';

// Chat is the overview of rooms, or the room in the address.
export default function Chat() {
  const { room } = useParams<{ room?: string }>();
  const { user } = useUser();
  if (room !== undefined && !/^[1-9][0-9]{0,18}$/.test(room)) return <Missing />;
  if (!user) return <Page title="Chat" intro="Rooms for members only. Messages appear as soon as they are committed."><NeedsLogin what="your rooms">{null}</NeedsLogin></Page>;
  return room ? <RoomPage key={room} id={room} /> : <Rooms />;
}
