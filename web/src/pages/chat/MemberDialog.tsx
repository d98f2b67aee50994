import { useState } from 'react';
import { describe } from '../../data/api.ts';
import { callFunction } from '../../data/rows.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog, DialogActions } from '../../ui/Dialog.tsx';
import { useToast } from '../../ui/Toast.tsx';

export interface Person {
  id: number;
  name: string;
}

// MemberDialog is what an owner can do with a member.
export function MemberDialog({ room, person, close }: { room: number; person: Person | null; close: () => void }) {
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
      <p>Remove them, and the room closes to them at once; they may ask to join again. Hand the room over, and they decide who comes in; you stay as a member.</p>
      <DialogActions>
        <Button variant="danger" busy={busy === 'remove_member'} disabled={busy !== ''} onClick={() => void run('remove_member')}>Remove from the room</Button>
        <Button busy={busy === 'hand_over'} disabled={busy !== ''} onClick={() => void run('hand_over')}>Hand the room over</Button>
      </DialogActions>
    </Dialog>
  );
}
