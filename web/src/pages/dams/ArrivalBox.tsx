import { useLayoutEffect, useRef } from 'react';
import { Button } from '../../ui/Button.tsx';
import { type Dam, nameOf } from './dams.ts';
import styles from './dams.module.css';

const named = 3;

interface Props {
  dams: readonly Dam[]; // new dams
  onNevermind: () => void;
  onRefresh: () => void;
  onHeight: (pixels: number) => void; // the height of the covered strip of the map
}

// ArrivalBox reports that others have added dams, once for all that arrive together. The map shows them already; Refresh
// moves the map there. The box is at the bottom of the map, and the popup stays above it.
export function ArrivalBox({ dams, onNevermind, onRefresh, onHeight }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const open = dams.length > 0;
  useLayoutEffect(() => {
    const element = box.current;
    if (!open || !element) return;
    const measure = () => onHeight(element.offsetParent!.clientHeight - element.offsetTop);
    const resized = new ResizeObserver(measure);
    resized.observe(element);
    measure();
    return () => {
      resized.disconnect();
      onHeight(0);
    };
  }, [open, onHeight]);
  return (
    <div ref={box} className={styles.arrivals} role="status" aria-live="polite">
      {open && (
        <section className={styles.arrival} aria-label="Dam notification">
          <div className={styles.told}>
            <p><b>{dams.length === 1 ? 'A new dam has been added' : `${dams.length} new dams have been added`}</b></p>
            <p className={styles.about}>{list(dams)}. Refresh moves the map there; the page is not reloaded.</p>
          </div>
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
