import { useCallback, useEffect, useState } from 'react';
import { Route, Switch } from 'wouter';
import { describe as inWords } from '../../data/api.ts';
import { useReconnected } from '../../data/online.ts';
import { useUser } from '../../data/user.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { CatalogProvider } from './catalog.tsx';
import type { Resource } from './describe.ts';
import { describeResources } from './describe.ts';
import { Edit } from './Edit.tsx';
import { ListPage } from './ListPage.tsx';
import { New } from './New.tsx';
import { Overview } from './Overview.tsx';
import { Unknown } from './Unknown.tsx';

// Admin lets staff view and edit the rows of all configured resources.
export default function Admin() {
  const { user, ready } = useUser();
  if (!ready) return <Spinner />;
  return user?.is_staff ? <ForStaff /> : <ForOthers name={user?.username} />;
}

function ForOthers({ name }: { name: string | undefined }) {
  return (
    <Page title="Admin" intro="Staff can view and edit the rows of all configured tables here.">
      <Panel>
        <Empty title="This page is for staff" action={<ButtonLink variant="primary" to="/login?to=%2Fadmin">Log in as staff</ButtonLink>}>
          {name ? <p>You are logged in as {name}, which is not a staff account.</p> : <p>Log in with a staff account. In the demo this is admin.</p>}
        </Empty>
      </Panel>
    </Page>
  );
}

function ForStaff() {
  const [resources, setResources] = useState<Resource[] | null>(null);
  const [problem, setProblem] = useState('');
  const ask = useCallback((signal?: AbortSignal) => {
    setProblem('');
    describeResources(signal).then(setResources, (error) => { if (!signal?.aborted) setProblem(inWords(error)); });
  }, []);
  useEffect(() => {
    const visit = new AbortController();
    ask(visit.signal);
    return () => visit.abort();
  }, [ask]);
  useReconnected(() => { if (problem) ask(); });
  if (problem) {
    return (
      <Page title="Admin" intro="The list of tables could not be loaded.">
        <Panel><Empty title={problem} action={<Button onClick={() => ask()}>Try again</Button>} /></Panel>
      </Page>
    );
  }
  if (!resources) return <Spinner />;
  return (
    <CatalogProvider resources={resources}>
      <Switch>
        <Route path="/admin" component={Overview} />
        <Route path="/admin/:resource" component={ListPage} />
        <Route path="/admin/:resource/new" component={New} />
        <Route path="/admin/:resource/:key" component={Edit} />
        <Route component={Unknown} />
      </Switch>
    </CatalogProvider>
  );
}
