import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { useUser } from '../data/user.tsx';
import { Accounts } from '../shell/Accounts.tsx';
import { ButtonLink } from './Button.tsx';
import { Empty } from './Empty.tsx';
import styles from './NeedsLogin.module.css';
import { Panel } from './Panel.tsx';

// NeedsLogin shows its children to a user who is logged in. To others it shows a link to the login page, which leads back; in
// a demo also buttons that log in at once.
export function NeedsLogin({ what, children }: { what: string; children: ReactNode }) {
  const { user, ended, demo } = useUser();
  const [address] = useLocation();
  if (user) return <>{children}</>;
  return (
    <Panel>
      <Empty title={`Log in to see ${what}`} action={<ButtonLink variant="primary" to={`/login?to=${encodeURIComponent(address)}`}>Log in</ButtonLink>}>
        <p>{ended ? 'Your login has ended: it expired, or you logged out elsewhere.' : 'Only the dams are public.'}</p>
      </Empty>
      {demo && <div className={styles.demo}><p>Or log in with one click as a user of the demo:</p><Accounts /></div>}
    </Panel>
  );
}
