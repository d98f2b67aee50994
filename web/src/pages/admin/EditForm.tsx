import type { FormEvent } from 'react';
import { useEffect, useReducer, useRef, useState } from 'react';
import { Problem } from '../../data/api.ts';
import { patchRow } from '../../data/rows.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { useToast } from '../../ui/Toast.tsx';
import { listAddress, useCatalog } from './catalog.tsx';
import { Delete } from './Delete.tsx';
import type { Field, Resource, Row } from './describe.ts';
import { inSentence, keyOf, nameOf, one } from './describe.ts';
import { beginEdit, missing, step, toPatch, unsaved } from './draft.ts';
import { Fields } from './Fields.tsx';
import styles from './Form.module.css';
import { Meanwhile } from './Meanwhile.tsx';
import { Refused, toFirstProblem, useProblem } from './Refused.tsx';
import { lineAbout } from './terminal.ts';
import { useGuard } from './useGuard.tsx';
import type { Found } from './useRow.ts';

type After = 'list' | 'stay';

// EditForm edits a row. It sends only the changed fields, so that a save does not undo the changes of other users.
export function EditForm({ resource, found }: { resource: Resource; found: Found & { row: Row } }) {
  const catalog = useCatalog();
  const editable = (f: Field) => f.update;
  const fields = resource.fields.filter(editable);
  const [draft, act] = useReducer(step, null, () => beginEdit(fields, found.row));
  const [busy, setBusy] = useState<After | null>(null);
  const [left, setLeft] = useState(false);
  const [problem, setProblem] = useProblem(fields);
  const form = useRef<HTMLFormElement>(null);
  const toast = useToast();
  const list = listAddress(catalog, resource.name);
  const name = nameOf(resource, draft.base);
  const guard = useGuard(unsaved(draft) && !left && !draft.gone);
  useEffect(() => { act(found.gone ? { do: 'gone' } : { do: 'told', row: found.row }); }, [found.row, found.gone]);

  const leave = () => { setLeft(true); guard.leave(list); };
  const refuse = (problems: Record<string, string[]>) => {
    act({ do: 'refused', problems });
    toFirstProblem(form);
  };
  const save = async (after: After) => {
    const lacking = missing(fields, draft);
    if (Object.keys(lacking).length) return refuse(lacking);
    const patch = toPatch(draft);
    setBusy(after);
    try {
      if (Object.keys(patch).length) {
        const row = await patchRow(resource.name, keyOf(resource, draft.base), patch);
        act({ do: 'saved', row });
        toast(`Saved ${inSentence(resource, row)}`, 'good');
        found.ask();
      } else {
        toast('No changes to save');
      }
      setProblem(null);
      if (after === 'list') leave();
    } catch (error) {
      if (error instanceof Problem && error.status === 404) act({ do: 'gone' });
      refuse(setProblem(error));
    }
    setBusy(null);
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    void save('list');
  };
  const still = busy !== null || draft.gone;
  return (
    <Page title={name} intro={`${introOf(resource)} Changes by other users appear here.`} sql={lineAbout(resource.name, keyOf(resource, draft.base))}>
      <form ref={form} noValidate onSubmit={submit} aria-label={name}>
        <Panel>
          <Refused problem={problem} />
          <Fields fields={resource.fields} editable={editable} draft={draft} creating={false} names={found.names} act={act} />
          <Meanwhile resource={resource} draft={draft} names={found.names} act={act} list={list} />
          <div className={styles.actions}>
            {resource.update && <Button type="submit" variant="primary" writes busy={busy === 'list'} disabled={still}>Save</Button>}
            {resource.update && <Button writes busy={busy === 'stay'} disabled={still} onClick={() => void save('stay')}>Save and continue</Button>}
            <ButtonLink variant="quiet" to={list}>{unsaved(draft) ? 'Cancel' : 'Back to the list'}</ButtonLink>
            {resource.delete && <span className={styles.far}><Delete resource={resource} row={draft.base} disabled={still} done={leave} /></span>}
          </div>
        </Panel>
      </form>
      {guard.question}
    </Page>
  );
}

function introOf(resource: Resource): string {
  const single = one(resource);
  return resource.update ? `Edit this ${single.toLowerCase()}.` : `This ${single.toLowerCase()} is read-only.`;
}
