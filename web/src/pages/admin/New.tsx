import type { FormEvent } from 'react';
import { useEffect, useReducer, useRef, useState } from 'react';
import { useParams } from 'wouter';
import { createRow } from '../../data/rows.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { listAddress, rowAddress, useCatalog } from './catalog.tsx';
import type { Resource } from './describe.ts';
import { inSentence, keyOf, one, withArticle, words } from './describe.ts';
import { beginNew, missing, step, toCreate, unsaved } from './draft.ts';
import { Fields } from './Fields.tsx';
import styles from './Form.module.css';
import { Frame } from './Frame.tsx';
import { Refused, toFirstProblem, useProblem } from './Refused.tsx';
import { Unknown } from './Unknown.tsx';
import { useGuard } from './useGuard.tsx';

// New is the form of a new row.
export function New() {
  const { resource: name } = useParams<{ resource: string }>();
  const [again, setAgain] = useState(0);
  const resource = useCatalog().find(name);
  if (!resource?.create) return <Unknown />;
  return <Form key={`${name} ${again}`} resource={resource} again={() => setAgain(again + 1)} focus={again > 0} />;
}

type After = 'list' | 'stay' | 'another';

function Form({ resource, again, focus }: { resource: Resource; again: () => void; focus: boolean }) {
  const catalog = useCatalog();
  const fields = resource.fields.filter((f) => f.create);
  const [draft, act] = useReducer(step, fields, beginNew);
  const [busy, setBusy] = useState<After | null>(null);
  const [problem, setProblem] = useProblem(fields);
  const form = useRef<HTMLFormElement>(null);
  const toast = useToast();
  const single = one(resource);
  const { question, leave } = useGuard(unsaved(draft) && busy === null);
  useEffect(() => {
    if (focus) form.current?.querySelector<HTMLElement>('input, select, textarea')?.focus();
  }, [focus]);

  const refuse = (problems: Record<string, string[]>) => {
    act({ do: 'refused', problems });
    toFirstProblem(form);
  };
  const save = async (after: After) => {
    const lacking = missing(fields, draft);
    if (Object.keys(lacking).length) return refuse(lacking);
    setBusy(after);
    try {
      const row = await createRow(resource.name, toCreate(fields, draft));
      toast(`Added ${inSentence(resource, row)}`, 'good');
      if (after === 'another') again();
      else leave(after === 'list' ? listAddress(catalog, resource.name) : rowAddress(resource.name, keyOf(resource, row)));
    } catch (error) {
      setBusy(null);
      refuse(setProblem(error));
    }
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    void save('list');
  };
  return (
    <Frame at={resource.name} crumbs={[{ label: words(resource.name), to: listAddress(catalog, resource.name) }, { label: 'New' }]}>
      <Page title={`Add ${withArticle(single)}`} intro="When you save, the new row appears on every page that shows this table.">
        <form ref={form} noValidate onSubmit={submit} aria-label={`Add ${withArticle(single)}`}>
          <Panel>
            <Refused problem={problem} />
            <Fields fields={fields} editable={() => true} draft={draft} creating names={{}} act={act} />
            <div className={styles.actions}>
              <Button type="submit" variant="primary" writes busy={busy === 'list'} disabled={busy !== null}>Save</Button>
              <Button writes busy={busy === 'stay'} disabled={busy !== null} onClick={() => void save('stay')}>Save and continue</Button>
              <Button writes busy={busy === 'another'} disabled={busy !== null} onClick={() => void save('another')}>Save and add another</Button>
              <ButtonLink variant="quiet" to={listAddress(catalog, resource.name)}>Cancel</ButtonLink>
            </div>
          </Panel>
        </form>
        {question}
      </Page>
    </Frame>
  );
}
