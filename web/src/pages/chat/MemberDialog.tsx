import { useState } from 'react';
import { describe } from '../../data/api.ts';
import type { Id } from '../../data/ids.ts';
import { callFunction } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog, DialogActions } from '../../ui/Dialog.tsx';
import { useToast } from '../../ui/Toast.tsx';

export interface Person {
  id: Id;
  name: string;
}

// MemberDialog lets the owner remove a member, or make them the owner.
export function MemberDialog({ room, person, close }: { room: Id; person: Person | null; close: () => void }) {
  const [busy, setBusy] = useState('');
  const toast = useToast();
  const run = async (name: 'remove_member' | 'hand_over') => {
    setBusy(name);
    try {
      await callFunction(name, { room_id: room, user_id: person!.id });
    } catch (error) {
      toast(describe(error), 'bad');
    } finally {
      setBusy('');
      close();
    }
  };
  return (
    <Dialog open={person !== null} onClose={close} title={person?.name ?? ''}>
      <p>If you remove this member, they lose access at once; they can ask to join again. If you transfer the room, they become the owner and you stay a member.</p>
      <DialogActions>
        <Button variant="danger" writes busy={busy === 'remove_member'} disabled={busy !== ''} onClick={() => void run('remove_member')}>Remove from room</Button>
        <Button writes busy={busy === 'hand_over'} disabled={busy !== ''} onClick={() => void run('hand_over')}>Transfer room</Button>
      </DialogActions>
    </Dialog>
  );
}
