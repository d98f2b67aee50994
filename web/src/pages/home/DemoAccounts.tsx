import { Accounts } from '../../shell/Accounts.tsx';
import { Panel } from '../../ui/Panel.tsx';
import styles from './Home.module.css';

export function DemoAccounts() {
  return (
    <Panel title="Log in as">
      <p className={styles.hint}>One click logs you in. The password of each account is its name; admin is staff. Open a private window to log in as a second user.</p>
      <Accounts />
    </Panel>
  );
}
