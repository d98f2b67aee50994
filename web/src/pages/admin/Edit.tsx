import { useParams } from 'wouter';
import { describe as inWords } from '../../data/api.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { listAddress, useCatalog } from './catalog.tsx';
import type { Resource } from './describe.ts';
import { one, words } from './describe.ts';
import { EditForm } from './EditForm.tsx';
import { Frame } from './Frame.tsx';
import { topicsOf } from './names.ts';
import { Unknown } from './Unknown.tsx';
import { Follow } from './useRefresh.tsx';
import { useRow } from './useRow.ts';

// Edit is the form of an existing row.
export function Edit() {
  const { resource: name, key } = useParams<{ resource: string; key: string }>();
  const resource = useCatalog().find(name);
  return resource ? <Opened key={`${name} ${key}`} resource={resource} at={plain(key)} /> : <Unknown />;
}

// plain decodes the characters that the router leaves encoded.
const plain = (key: string) => key.replace(/%(2F|3F|23|26|3D|2B|2C|3A|3B|40|24)/gi, decodeURIComponent);

function Opened({ resource, at }: { resource: Resource; at: string }) {
  const catalog = useCatalog();
  const found = useRow(resource, at);
  const list = listAddress(catalog, resource.name);
  const title = `${one(resource)} ${at}`;
  return (
    <Frame at={resource.name} crumbs={[{ label: words(resource.name), to: list }, { label: at }]}>
      <Follow topics={topicsOf(catalog, resource)} ask={found.ask} />
      {found.row && <EditForm resource={resource} found={{ ...found, row: found.row }} />}
      {!found.row && (found.gone || found.error !== null) && (
        <Page title={title} intro="No row could be loaded at this address.">
          <Panel>
            {found.gone
              ? <Empty title={`${title} not found`} action={<ButtonLink to={list}>See all {words(resource.name).toLowerCase()}</ButtonLink>}><p>It may have been deleted.</p></Empty>
              : <Empty title={inWords(found.error)} action={<Button onClick={found.now}>Try again</Button>} />}
          </Panel>
        </Page>
      )}
      {!found.row && !found.gone && found.error === null && <Spinner />}
    </Frame>
  );
}
