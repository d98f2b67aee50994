import { useRef, useState } from 'react';
import { describe, Problem } from '../../data/api.ts';
import { tableOf } from '../../data/tables.ts';
import { useUser } from '../../data/user.tsx';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Confirm } from '../../ui/Dialog.tsx';
import { Flash } from '../../ui/Flash.tsx';
import { Cross } from '../../ui/icons.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { Chart } from './Chart.tsx';
import { type Dam, degrees, isPlaced, nameOf } from './dams.ts';
import styles from './dams.module.css';
import { HydrographForm } from './HydrographForm.tsx';
import { useFocusWithin } from './useFocusWithin.ts';
import { useHydrograph } from './useHydrograph.ts';

interface Props {
  dam: Dam;
  onEdit: () => void;
  onClose: () => void;
}

// DamDetails is the content of a dam's popup.
export function DamDetails({ dam, onEdit, onClose }: Props) {
  const { user } = useUser();
  const [asking, ask] = useState<'delete' | 'hydrograph' | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useFocusWithin(box, dam.id);
  return (
    <div ref={box} className={styles.details} role="dialog" aria-label={nameOf(dam)} tabIndex={-1} onKeyDown={(e) => { if (e.key === 'Escape' && !asking) { e.stopPropagation(); onClose(); } }}>
      <div className={styles.head}>
        <h3><Flash>{nameOf(dam)}</Flash></h3>
        <button type="button" className={styles.close} aria-label="Close" onClick={onClose}><Cross /></button>
      </div>
      <dl className={styles.facts}>
        <Fact name="River" value={dam.river} />
        <Fact name="Owner" value={dam.owner} />
        <Fact name="Built" value={dam.date_built} />
        <Fact name="Location" value={isPlaced(dam) ? degrees(dam.latitude, dam.longitude) : null} />
      </dl>
      <Flow dam={dam} />
      {user && (
        <div className={styles.buttons}>
          <Button small onClick={onEdit}>Edit</Button>
          <Button small writes aria-label="Assign a hydrograph" onClick={() => ask('hydrograph')}>Hydrograph</Button>
          <Button small variant="danger" writes onClick={() => ask('delete')}>Delete</Button>
        </div>
      )}
      {asking === 'delete' && <Deletion dam={dam} onClose={() => ask(null)} />}
      {asking === 'hydrograph' && <HydrographForm dam={dam} onClose={() => ask(null)} />}
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string | null }) {
  return <><dt>{name}</dt><dd><Flash>{value || '—'}</Flash></dd></>;
}

// Flow shows the hydrograph. While it is loading, it has the height of the chart, so that nothing moves.
function Flow({ dam }: { dam: Dam }) {
  const [loaded, again] = useHydrograph(dam.id);
  const hydrograph = loaded.state === 'here' ? loaded.hydrograph : null;
  return (
    <section className={classes(styles.flow, loaded.state === 'here' && !hydrograph && styles.without)} aria-label="Hydrograph" aria-busy={loaded.state === 'loading'}>
      {hydrograph && hydrograph.points.length > 1 && <Chart key={hydrograph.id} points={hydrograph.points} label={`Hydrograph of ${nameOf(dam)}`} />}
      {hydrograph && hydrograph.points.length < 2 && <p className={styles.none}>Hydrograph {hydrograph.id} has too few points to draw.</p>}
      {hydrograph && hydrograph.others > 0 && <p className={styles.count}>Newest of {hydrograph.others + 1} hydrographs.</p>}
      {loaded.state === 'here' && !hydrograph && <p className={styles.none}>This dam has no hydrograph.</p>}
      {loaded.state === 'failed' && <p className={styles.none}>{loaded.message} <Button small onClick={again}>Try again</Button></p>}
    </section>
  );
}

function Deletion({ dam, onClose }: { dam: Dam; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const remove = async () => {
    setBusy(true);
    try {
      await tableOf('dams').delete(dam.id);
      toast(`${nameOf(dam)} is deleted`);
    } catch (error) {
      const gone = error instanceof Problem && error.status === 404;
      toast(gone ? `${nameOf(dam)} was already deleted` : describe(error), gone ? 'neutral' : 'bad');
    }
    onClose();
  };
  return (
    <Confirm open title={`Delete ${nameOf(dam)}?`} action="Delete" danger writes busy={busy} onConfirm={remove} onClose={onClose}>
      Its hydrographs are deleted as well. This cannot be undone.
    </Confirm>
  );
}
