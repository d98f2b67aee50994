import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Cell } from './Cell.tsx';
import type { Resource } from './describe.ts';
import { fieldLabel, one } from './describe.ts';
import type { Act, Draft } from './draft.ts';
import styles from './Form.module.css';
import type { Names } from './names.ts';

export interface MeanwhileProps {
  resource: Resource;
  draft: Draft;
  names: Names;
  act: (act: Act) => void;
  list: string;
}

// Meanwhile reports what other users have done to the row while its form is open. It is below the fields, so that no field
// moves, and stays in view.
export function Meanwhile({ resource, draft, names, act, list }: MeanwhileProps) {
  if (draft.gone) {
    return (
      <div className={styles.meanwhile}>
        <Notice tone="bad" actions={<ButtonLink small to={list}>Back to the list</ButtonLink>}>
          This {one(resource).toLowerCase()} was deleted. The form shows its last values.
        </Notice>
      </div>
    );
  }
  const fields = resource.fields.filter((f) => draft.conflicts.includes(f.name));
  if (fields.length === 0) return null;
  return (
    <div className={styles.meanwhile}>
      <Notice tone="warn" actions={<><Button small onClick={() => act({ do: 'keep' })}>Keep mine</Button><Button small onClick={() => act({ do: 'take' })}>Take theirs</Button></>}>
        Another user changed the same fields.
        <ul className={styles.theirs}>
          {fields.map((f) => <li key={f.name}>{fieldLabel(f)} is now <Cell field={f} value={draft.base[f.name]} names={names} /></li>)}
        </ul>
      </Notice>
    </div>
  );
}
