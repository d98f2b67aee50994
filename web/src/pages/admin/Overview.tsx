import { useCallback, useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { listRows } from '../../data/rows.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Flash } from '../../ui/Flash.tsx';
import { Plus } from '../../ui/icons.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { listAddress, newAddress, useCatalog } from './catalog.tsx';
import type { Resource } from './describe.ts';
import { one, withArticle, words } from './describe.ts';
import styles from './Overview.module.css';
import { Follow, useRefresh } from './useRefresh.tsx';

type Counts = Record<string, number | null | undefined>; // null: the request failed

// Overview lists the resources with their present numbers of rows.
export function Overview() {
  const { resources } = useCatalog();
  const [counts, heard] = useCounts(resources);
  return (
    <Page
      title="Admin"
      intro="All configured tables. When you change a row, every page that shows it changes as well."
      sql="INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1)"
    >
      <Follow topics={[...new Set(resources.flatMap((r) => r.topics))]} ask={heard} />
      {resources.length === 0 && <Panel><Empty title="No resources are configured"><p>Add tables under resources in the configuration.</p></Empty></Panel>}
      <ul className={styles.entries}>
        {resources.map((r) => <Entry key={r.name} resource={r} count={counts[r.name]} />)}
      </ul>
    </Page>
  );
}

function Entry({ resource, count }: { resource: Resource; count: number | null | undefined }) {
  const catalog = useCatalog();
  return (
    <li className={styles.entry}>
      <Link href={listAddress(catalog, resource.name)} className={styles.name}>
        <span className={styles.word}>{words(resource.name)}</span>
        <span className={styles.count}>{typeof count === 'number' ? <Flash value={count}>{count.toLocaleString()}</Flash> : count === null ? '?' : '…'} {count === 1 ? 'row' : 'rows'}</span>
      </Link>
      {resource.create && <ButtonLink small variant="quiet" to={newAddress(resource.name)}><span className={styles.add}><Plus />Add<span className="visually-hidden"> {withArticle(one(resource))}</span></span></ButtonLink>}
    </li>
  );
}

// useCounts counts the rows of all resources, and counts again after events.
function useCounts(resources: Resource[]): [Counts, (topic: string) => void] {
  const [counts, setCounts] = useState<Counts>({});
  const due = useRef(new Set<Resource>());
  const { ask, now } = useRefresh(async () => {
    const asked = [...due.current];
    due.current.clear();
    const totals = await Promise.all(asked.map((r) => listRows(r.name, { limit: 1 }).then((l) => [r.name, l.total] as const, () => [r.name, null] as const)));
    setCounts((before) => ({ ...before, ...Object.fromEntries(totals) }));
  });
  useEffect(() => {
    due.current = new Set(resources);
    now();
  }, [resources, now]);
  const heard = useCallback((topic: string) => {
    for (const r of resources) if (r.topics.includes(topic)) due.current.add(r);
    ask();
  }, [resources, ask]);
  return [counts, heard];
}
