import { useRef } from 'react';
import { useLocation } from 'wouter';
import { useUser } from '../../data/user.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Cross } from '../../ui/icons.tsx';
import { degrees } from './dams.ts';
import styles from './dams.module.css';
import type { Point } from './map/view.ts';
import { useFocusWithin } from './useFocusWithin.ts';

// SpotDetails is the popup of a click on the empty map: it offers to add a dam there.
export function SpotDetails({ at, onAdd, onClose }: { at: Point; onAdd: () => void; onClose: () => void }) {
  const { user } = useUser();
  const [address] = useLocation();
  const box = useRef<HTMLDivElement>(null);
  useFocusWithin(box, at);
  return (
    <div ref={box} className={styles.details} role="dialog" aria-label="Location on the map" tabIndex={-1} onKeyDown={(e) => { if (e.key === 'Escape') onClose(); }}>
      <div className={styles.head}>
        <p className={styles.name}>{degrees(at.latitude, at.longitude)}</p>
        <button type="button" className={styles.close} aria-label="Close" onClick={onClose}><Cross /></button>
      </div>
      {user
        ? <Button small variant="primary" onClick={onAdd}>Add a dam here</Button>
        : <ButtonLink small to={`/login?to=${encodeURIComponent(address)}`}>Log in to add a dam here</ButtonLink>}
    </div>
  );
}
