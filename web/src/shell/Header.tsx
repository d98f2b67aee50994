import type { KeyboardEvent } from 'react';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useUser } from '../data/user.tsx';
import { classes } from '../ui/classes.ts';
import { Cross, Menu } from '../ui/icons.tsx';
import { Connection } from './Connection.tsx';
import styles from './Header.module.css';
import { Offline } from './Offline.tsx';
import { isAt, places, prepare } from './pages.ts';
import { ThemeButton } from './ThemeButton.tsx';
import { UserMenu } from './UserMenu.tsx';

// Header is the top of every page. In a narrow window the navigation opens below it. It closes when the user goes to a page,
// presses Escape, or opens another menu.
export function Header() {
  const [address] = useLocation();
  const { user, apps } = useUser();
  const [open, setOpen] = useState(false);
  const toggle = useRef<HTMLButtonElement>(null);
  useEffect(() => setOpen(false), [address]);
  const escape = (e: KeyboardEvent) => {
    if (e.key !== 'Escape' || !open) return;
    setOpen(false);
    toggle.current?.focus();
  };
  return (
    <header className={styles.header}>
      <div className={styles.inside}>
        <Link href="/" className={styles.name}><Mark />Rowcall</Link>
        <button ref={toggle} type="button" className={styles.toggle} onKeyDown={escape} aria-expanded={open} aria-controls="places" onClick={() => setOpen(!open)}>
          {open ? <Cross /> : <Menu />}<span className="visually-hidden">Menu</span>
        </button>
        <nav id="places" aria-label="Pages" className={classes(styles.places, open && styles.open)} onKeyDown={escape}>
          {places.filter((p) => (!p.staff || user?.is_staff) && (!p.app || apps)).map((p) => (
            <Link key={p.to} href={p.to} className={styles.place} onPointerEnter={() => prepare(p.to)} onFocus={() => prepare(p.to)} aria-current={isAt(address, p.to) ? 'page' : undefined}>{p.label}</Link>
          ))}
        </nav>
        <div className={styles.end} onClickCapture={() => setOpen(false)}>
          <Connection />
          <ThemeButton />
          <UserMenu />
        </div>
      </div>
      <Offline />
    </header>
  );
}

const Mark = () => (
  <svg width="22" height="22" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <rect x="1" y="2" width="10" height="3" rx="1" className={styles.row} />
    <rect x="1" y="7" width="14" height="3" rx="1" className={styles.changed} />
    <rect x="1" y="12" width="10" height="3" rx="1" className={styles.row} />
  </svg>
);
