import type { RowcallEvent } from 'rowcall';
import { useTopic } from 'rowcall/react';
import { Link, useLocation } from 'wouter';
import type { Id } from '../data/ids.ts';
import { useUser } from '../data/user.tsx';
import { type Toaster, useToast } from '../ui/Toast.tsx';

// requestKey is the key of the toast about a request to join a room.
export const requestKey = (id: Id) => `request-${id}`;

// News shows toasts about the user's own rooms on every page. The pages of the chat show these changes themselves.
export function News() {
  const { user, apps } = useUser();
  const [address] = useLocation();
  const toast = useToast();
  useTopic(user && apps ? `user/${user.id}` : null, (event: RowcallEvent) => {
    updateRequest(toast, event);
    if (address.startsWith('/chat')) return;
    const { type, data } = event;
    if (type === 'room_joined') toast(<>You have joined <Link href={`/chat/${data.room_id}`}>{data.title}</Link>.</>, 'good');
    if (type === 'room_left') toast(`You are no longer a member of ${data.title}.`, 'warn');
    if (type === 'did_alter_join_request' && data.action === 'deny') toast(`Your request to join ${data.title ?? 'a room'} was denied.`, 'warn');
  });
  return null;
}

// updateRequest withdraws the toast about a request that was answered or deleted.
export function updateRequest(toast: Pick<Toaster, 'withdraw' | 'permit'>, { type, data }: RowcallEvent) {
  const pending = (type === 'did_alter_join_request' && data.action === 'create') || (type === 'join_request_updated' && data.status === 'pending');
  if (pending) toast.permit(requestKey(data.id));
  else if (type === 'did_alter_join_request' || type === 'join_request_updated' || type === 'join_request_deleted') toast.withdraw(requestKey(data.id));
}
