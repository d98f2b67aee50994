import { Accounts } from '../../shell/Accounts.tsx';
import { Panel } from '../../ui/Panel.tsx';
import styles from './Home.module.css';

export function DemoAccounts() {
  return (
    <Panel title="Log in as">
      <p className={styles.hint}>This is a demo: one press is enough, the passwords are the names. admin is staff. Open a private window to be somebody else beside it.</p>
      <Accounts />
    </Panel>
  );
}
