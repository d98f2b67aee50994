import { useState } from 'react';
import { describe } from '../data/api.ts';
import { useOffline } from '../data/online.ts';
import { useUser } from '../data/user.tsx';
import { Avatar } from '../ui/Avatar.tsx';
import { useToast } from '../ui/Toast.tsx';
import styles from './Accounts.module.css';

// Accounts are the buttons that log in to a demo, whose passwords are the user names. After a login onLogin is called.
export function Accounts({ onLogin }: { onLogin?: () => void }) {
  const { user, demo, login } = useUser();
  const [trying, setTrying] = useState('');
  const toast = useToast();
  const offline = useOffline();
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
        <button key={name} type="button" className={styles.account} disabled={trying !== '' || name === user?.username || offline} aria-current={name === user?.username || undefined} onClick={() => void become(name)}>
          <Avatar name={name} small /><span>{name}</span>{name === user?.username && <span className={styles.you}>you</span>}
        </button>
      ))}
    </div>
  );
}
