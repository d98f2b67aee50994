import { useState } from 'react';
import { describe, Problem } from '../../data/api.ts';
import { tableOf } from '../../data/tables.ts';
import { Confirm } from '../../ui/Dialog.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { nameOf, type Patient } from './patients.ts';

// Deletion asks first.
export function Deletion({ patient, onClose }: { patient: Patient; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const remove = async () => {
    setBusy(true);
    try {
      await tableOf('patients').delete(patient.id);
      toast(`${nameOf(patient)} is deleted`);
    } catch (error) {
      const gone = error instanceof Problem && error.status === 404;
      toast(gone ? `${nameOf(patient)} was already deleted` : describe(error), gone ? 'neutral' : 'bad');
    }
    onClose();
  };
  return (
    <Confirm open title={`Delete ${nameOf(patient)}?`} action="Delete" danger writes busy={busy} onConfirm={remove} onClose={onClose}>
      The row is deleted from the database. This cannot be undone. If the patient goes home, use Discharge instead.
    </Confirm>
  );
}
