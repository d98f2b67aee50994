import { Link, useSearchParams } from 'wouter';
import { useUser } from '../../data/user.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import styles from './live.module.css';
import { TablePanel } from './TablePanel.tsx';
import type { TableInfo } from './tables.ts';
import { useTables } from './tables.ts';

const INTRO = 'The rows of the declared tables, as they are committed. A row lights up when it changes.';

// Live shows staff the rows of declared tables.
export default function Live() {
  const { user, ready } = useUser();
  if (!ready) return <Spinner />;
  return <Page title="Live" intro={INTRO}>{user?.is_staff ? <ForStaff /> : <ForOthers />}</Page>;
}

function ForOthers() {
  const { user, watch, refused } = useUser();
  if (watch) {
    return (
      <Panel>
        <Empty title="This page opens with a one-time code">
          <p>{refused || 'Open the address that rowcall watch has printed in the terminal.'}</p>
          <p>The code works once, in one browser, within ten minutes. To get another one, stop rowcall watch and start it again.</p>
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel>
      <Empty title="This page is for staff" action={<ButtonLink variant="primary" to="/login?to=%2Flive">Log in as staff</ButtonLink>}>
        <p>{user ? `You are logged in as ${user.username}, which is not a staff account.` : 'Log in with a staff account.'}</p>
      </Empty>
    </Panel>
  );
}

function ForStaff() {
  const { tables, trouble } = useTables();
  const [params] = useSearchParams();
  if (!tables) return <Panel><Empty title={trouble ? 'The tables cannot be read yet' : 'Reading the tables'}>{trouble ? <p>{trouble}</p> : <Spinner />}</Empty></Panel>;
  const chosen = tables.find((t) => t.table === params.get('table')) ?? tables[0];
  if (!chosen) return <Nothing />;
  return (
    <>
      {tables.length > 1 && <Choice tables={tables} chosen={chosen} />}
      <TablePanel key={chosen.table} table={chosen} />
    </>
  );
}

function Nothing() {
  return (
    <Panel>
      <Empty title="No tables are declared">
        <p>Declare tables under <code>tables</code> in the configuration file, run <code>rowcall apply</code> and start the node again. Or look at a table at once: <code>rowcall watch orders</code>.</p>
      </Empty>
    </Panel>
  );
}

function Choice({ tables, chosen }: { tables: TableInfo[]; chosen: TableInfo }) {
  return (
    <nav aria-label="Tables">
      <ul className={styles.tables}>
        {tables.map(({ table }) => (
          <li key={table}>
            <Link href={`/live?table=${encodeURIComponent(table)}`} className={styles.name} aria-current={table === chosen.table ? 'page' : undefined}>{table}</Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
