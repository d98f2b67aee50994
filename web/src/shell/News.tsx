import type { RowcallEvent } from 'rowcall';
import { useTopic } from 'rowcall/react';
import { Link, useLocation } from 'wouter';
import { useUser } from '../data/user.tsx';
import { useToast } from '../ui/Toast.tsx';

// News tells what concerns the reader on whatever page they are. The chat's own pages show it
// themselves.
export function News() {
  const { user, apps } = useUser();
  const [address] = useLocation();
  const toast = useToast();
  useTopic(user && apps ? `user/${user.id}` : null, ({ type, data }: RowcallEvent) => {
    if (address.startsWith('/chat')) return;
    if (type === 'room_joined') toast(<>You have joined <Link href={`/chat/${data.room_id}`}>{data.title}</Link>.</>, 'good');
    if (type === 'room_left') toast(`You are no longer a member of ${data.title}.`, 'warn');
    if (type === 'did_alter_join_request' && data.action === 'deny') toast(`Your request to join ${data.title ?? 'a room'} was denied.`, 'warn');
  });
  return null;
}
