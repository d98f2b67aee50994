import { useCallback, useEffect, useMemo } from 'react';
import { useParams, useSearchParams } from 'wouter';
import { describe as inWords } from '../../data/api.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { Bulk } from './Bulk.tsx';
import { newAddress, useCatalog } from './catalog.tsx';
import type { Resource } from './describe.ts';
import { one, withArticle, words } from './describe.ts';
import { Filters } from './Filters.tsx';
import { Frame } from './Frame.tsx';
import styles from './ListPage.module.css';
import { topicsOf } from './names.ts';
import { Pager } from './Pager.tsx';
import type { ListState } from './query.ts';
import { narrowed, readState, writeState } from './query.ts';
import { Rows } from './Rows.tsx';
import { linesFor } from './terminal.ts';
import { Unknown } from './Unknown.tsx';
import { useList } from './useList.ts';
import { Follow } from './useRefresh.tsx';
import { useSelection } from './useSelection.ts';

// ListPage shows the present rows of a resource.
export function ListPage() {
  const { resource: name } = useParams<{ resource: string }>();
  const resource = useCatalog().find(name);
  return resource ? <ListOf key={name} resource={resource} /> : <Unknown />;
}

function ListOf({ resource }: { resource: Resource }) {
  const catalog = useCatalog();
  const [state, change] = useListState(resource);
  const goTo = useCallback((page: number) => change({ page }), [change]);
  const list = useList(resource, state, goTo);
  const selection = useSelection(resource, list.listing?.rows);
  const title = words(resource.name);
  const single = one(resource);
  return (
    <Frame at={resource.name} crumbs={[{ label: title }]}>
      <Follow topics={topicsOf(catalog, resource)} ask={list.ask} />
      <Page
        title={title}
        intro={resource.topics.length ? 'The rows as they are in the database now. A row lights up when someone changes it.' : 'The rows as they were when the page was loaded. Changes to this table are not shown live.'}
        actions={resource.create && <ButtonLink variant="primary" to={newAddress(resource.name)}>Add {single.toLowerCase()}</ButtonLink>}
        sql={linesFor(resource.name)}
      >
        <Filters resource={resource} state={state} change={change} />
        {list.error !== null && <Notice tone="bad" actions={<Button small onClick={list.now}>Try again</Button>}>{inWords(list.error)}</Notice>}
        {!list.listing && list.error === null && <div className={styles.wait}><Spinner /></div>}
        {list.listing && (
          <Panel flush>
            <div className={styles.list} aria-busy={list.busy}>
              <Bulk resource={resource} selection={selection} rows={list.listing.rows} done={list.now} />
              <Rows resource={resource} listing={list.listing} state={state} change={change} selection={selection} />
              {list.listing.rows.length === 0 && (
                narrowed(state)
                  ? <Empty title="No matching rows" action={<Button onClick={() => change({ search: '', filters: {} })}>Show all {title.toLowerCase()}</Button>} />
                  : <Empty title={`No ${title.toLowerCase()} yet`}>{resource.create && <p>Add {withArticle(single)}, or watch this page while someone else adds {withArticle(single)}.</p>}</Empty>
              )}
              <Pager listing={list.listing} goTo={(page) => { goTo(page); window.scrollTo({ top: 0 }); }} />
            </div>
          </Panel>
        )}
      </Page>
    </Frame>
  );
}

// useListState keeps the state of the list in the address. Every change but that of the page starts at the first page.
function useListState(resource: Resource): [ListState, (next: Partial<ListState>) => void] {
  const { lists } = useCatalog();
  const [params, setParams] = useSearchParams();
  const text = params.toString();
  const state = useMemo(() => readState(resource, new URLSearchParams(text)), [resource, text]);
  useEffect(() => { lists.set(resource.name, text && `?${text}`); }, [lists, resource, text]);
  const change = useCallback((next: Partial<ListState>) => {
    setParams((before) => writeState(resource, { ...readState(resource, before), page: 1, ...next }), { replace: next.page === undefined });
  }, [resource, setParams]);
  return [state, change];
}
