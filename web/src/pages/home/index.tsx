import { useTitle } from '../../ui/Page.tsx';
import { useUser } from '../../data/user.tsx';
import { Addresses } from './Addresses.tsx';
import { Counters } from './Counters.tsx';
import { DemoAccounts } from './DemoAccounts.tsx';
import styles from './Home.module.css';
import { Picture } from './Picture.tsx';
import { Statements } from './Statements.tsx';

export default function Home() {
  const { user, apps, demo } = useUser();
  const accounts = demo && <DemoAccounts />;
  useTitle('Rowcall');
  return (
    <div className={styles.home}>
      <section className={styles.hero}>
        <div className={styles.words}>
          <h1>Commit a row. Everyone allowed to see it does, instantly.</h1>
          <p>
            Rowcall turns committed row changes in PostgreSQL into events and delivers them to the users who may see them.
            It does not matter what wrote the row: an application, an admin page, psql or a bulk load.
            Every event arrives, and arrives once. When a user loses access, the events stop at once.
          </p>
        </div>
        <Picture />
      </section>
      {apps && <Counters />}
      <div className={styles.columns}>
        {!user && accounts}
        {apps && <Statements />}
        {user && accounts}
        <Addresses />
      </div>
    </div>
  );
}
