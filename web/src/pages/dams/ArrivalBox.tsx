import { Button } from '../../ui/Button.tsx';
import { type Dam, nameOf } from './dams.ts';
import styles from './dams.module.css';

const named = 3;

interface Props {
  dams: readonly Dam[]; // new ones
  onNevermind: () => void;
  onRefresh: () => void;
}

// ArrivalBox says that somebody has added dams, once for all that come together. They are on the map
// already; Refresh goes to them.
export function ArrivalBox({ dams, onNevermind, onRefresh }: Props) {
  return (
    <div className={styles.arrivals} role="status" aria-live="polite">
      {dams.length > 0 && (
        <section className={styles.arrival} aria-label="Dam notification">
          <p><b>{dams.length === 1 ? 'A new dam has been added' : `${dams.length} new dams have been added`}</b></p>
          <p className={styles.about}>{list(dams)}. Refresh moves the map there; the page is not reloaded.</p>
          <div className={styles.buttons}>
            <Button small variant="primary" onClick={onRefresh}>Refresh</Button>
            <Button small onClick={onNevermind}>Nevermind</Button>
          </div>
        </section>
      )}
    </div>
  );
}

function list(dams: readonly Dam[]): string {
  const names = dams.slice(-named).map(nameOf).join(', ');
  return dams.length > named ? `${names} and ${dams.length - named} more` : names;
}
