import { useState } from 'react';
import { describe } from '../data/api.ts';
import { useUser } from '../data/user.tsx';
import { Avatar } from '../ui/Avatar.tsx';
import { useToast } from '../ui/Toast.tsx';
import styles from './Accounts.module.css';

// Accounts logs in with one press, where this is a demo: its passwords are the names. onLogin goes
// on from there; without it the page stays, and is shown to the one who has logged in.
export function Accounts({ onLogin }: { onLogin?: () => void }) {
  const { user, demo, login } = useUser();
  const [trying, setTrying] = useState('');
  const toast = useToast();
  const become = async (name: string) => {
    setTrying(name);
    try {
      await login(name, name);
      onLogin?.();
    } catch (error) {
      toast(describe(error), 'bad');
    } finally {
      setTrying('');
    }
  };
  if (!demo) return null;
  return (
    <div className={styles.accounts}>
      {demo.accounts.map((name) => (
        <button key={name} type="button" className={styles.account} disabled={trying !== '' || name === user?.username} aria-current={name === user?.username || undefined} onClick={() => void become(name)}>
          <Avatar name={name} small /><span>{name}</span>{name === user?.username && <span className={styles.you}>you</span>}
        </button>
      ))}
    </div>
  );
}
