import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { describe } from '../data/api.ts';
import { useOffline } from '../data/online.ts';
import { displayName, useUser } from '../data/user.tsx';
import { Avatar } from '../ui/Avatar.tsx';
import { ButtonLink } from '../ui/Button.tsx';
import { Down } from '../ui/icons.tsx';
import { useToast } from '../ui/Toast.tsx';
import styles from './UserMenu.module.css';

// UserMenu is the link to log in, or the menu of the user.
export function UserMenu() {
  const { user, ready, watch } = useUser();
  const [address] = useLocation();
  if (!ready) return null;
  if (!user) return watch || address === '/login' ? null : <ButtonLink small variant="primary" to={`/login?to=${encodeURIComponent(address)}`}>Log in</ButtonLink>;
  return <Menu key={user.id} />;
}

// Menu opens below the user's name. It closes when it loses the focus, or the user presses Escape.
function Menu() {
  const { user, watch, logout } = useUser();
  const [open, setOpen] = useState(false);
  const [, go] = useLocation();
  const toast = useToast();
  const offline = useOffline();
  const opener = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (e: PointerEvent) => { if (!box.current?.contains(e.target as Node)) setOpen(false); };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  const leave = () => logout().then(() => go('/'), (error) => toast(describe(error), 'bad'));
  const close = () => { setOpen(false); opener.current?.focus(); };
  const name = displayName(user!);
  return (
    <div
      ref={box}
      className={styles.menu}
      onKeyDown={(e) => { if (e.key === 'Escape' && open) close(); }}
      onBlur={(e) => { if (e.relatedTarget && !e.currentTarget.contains(e.relatedTarget)) setOpen(false); }}
    >
      <button ref={opener} type="button" className={styles.opener} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Avatar name={name} id={user!.id} /><span className={styles.name}>{name}</span><Down />
      </button>
      {open && (
        <div className={styles.items}>
          <p className={styles.who}>Logged in as <strong>{user!.username}</strong>{user!.is_staff && ', staff'}</p>
          {!watch && <Link href="/login" className={styles.item} onClick={() => setOpen(false)}>Switch user</Link>}
          <button type="button" className={styles.item} disabled={offline} onClick={() => void leave()}>Log out</button>
        </div>
      )}
    </div>
  );
}
