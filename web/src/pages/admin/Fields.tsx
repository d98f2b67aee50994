import { useFlash } from '../../ui/Flash.tsx';
import { Cell } from './Cell.tsx';
import { Control } from './Control.tsx';
import type { Field } from './describe.ts';
import { fieldLabel } from './describe.ts';
import type { Act, Draft } from './draft.ts';
import styles from './Fields.module.css';
import type { Names } from './names.ts';

export interface FieldsProps {
  fields: Field[]; // in order
  editable: (field: Field) => boolean;
  draft: Draft;
  creating: boolean;
  names: Names;
  act: (act: Act) => void;
}

// Fields are the controls of a form. Read-only fields are shown as text. A field lights up when another user changes it.
export function Fields({ fields, editable, draft, creating, names, act }: FieldsProps) {
  const fixed = fields.filter((f) => !editable(f));
  return (
    <>
      {fixed.length > 0 && (
        <dl className={styles.facts}>
          {fixed.map((field) => (
            <Lit key={field.name} value={draft.base[field.name]}>
              <dt>{fieldLabel(field)}</dt>
              <dd><Cell field={field} value={draft.base[field.name]} names={names} /></dd>
            </Lit>
          ))}
        </dl>
      )}
      <div className={styles.fields}>
        {fields.filter(editable).map((field) => (
          <Lit key={field.name} value={draft.base[field.name]}>
            <Control
              field={field}
              value={draft.values[field.name]}
              text={draft.texts[field.name]}
              error={draft.problems[field.name]}
              creating={creating}
              enter={(text) => act({ do: 'enter', field, text })}
              choose={(value) => act({ do: 'choose', field, value })}
            />
          </Lit>
        ))}
      </div>
    </>
  );
}

function Lit({ value, children }: { value: unknown; children: React.ReactNode }) {
  const element = useFlash<HTMLDivElement>(JSON.stringify(value));
  return <div ref={element}>{children}</div>;
}
