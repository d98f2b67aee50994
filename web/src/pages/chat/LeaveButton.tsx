import { useState } from 'react';
import { describe } from '../../data/api.ts';
import type { Id } from '../../data/ids.ts';
import { callFunction } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { useToast } from '../../ui/Toast.tsx';

// LeaveButton lets a member leave. The room's topic then refuses the user, and the page shows that.
export function LeaveButton({ room }: { room: Id }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const leave = async () => {
    setBusy(true);
    try {
      await callFunction('leave_room', { room_id: room });
    } catch (error) {
      toast(describe(error), 'bad');
      setBusy(false);
      setAsking(false);
    }
  };
  return (
    <>
      <Button small writes onClick={() => setAsking(true)}>Leave room</Button>
      <Confirm open={asking} title="Leave this room?" action="Leave" danger writes busy={busy} onConfirm={() => void leave()} onClose={() => setAsking(false)}>
        You will no longer see its messages. To come back, you have to ask to join again.
      </Confirm>
    </>
  );
}
