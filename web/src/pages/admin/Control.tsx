import { Checkbox, Input, Select, Textarea } from '../../ui/Field.tsx';
import { useCatalog } from './catalog.tsx';
import type { Field } from './describe.ts';
import { fieldLabel } from './describe.ts';
import { ReferenceSelect } from './ReferenceSelect.tsx';
import { choiceLabel, fitsPicker, toText } from './values.ts';

export interface ControlProps {
  field: Field;
  value: unknown;
  text: string | undefined; // the text of the control, if the user has typed into it
  error: string[] | undefined;
  creating: boolean;
  enter: (text: string) => void;
  choose: (value: unknown) => void;
}

const LONG = 100; // characters

// Control is the control for the type of a field.
export function Control({ field, value, text, error, creating, enter, choose }: ControlProps) {
  const { find } = useCatalog();
  const label = fieldLabel(field) + (field.required ? ' *' : '');
  const shown = text ?? toText(field, value);
  const hint = hintFor(field, shown, creating);
  const target = field.references && find(field.references.resource);
  if (target) {
    return <ReferenceSelect label={label} hint={hint} error={error} target={target} value={value ?? null} clearable={field.nullable} required={field.required} onChange={choose} />;
  }
  const common = { label, hint, error, required: field.required || undefined, value: shown, onChange: (e: { target: { value: string } }) => enter(e.target.value) };
  if (field.choices || (field.type === 'boolean' && field.nullable)) {
    return <Select {...common} options={optionsOf(field, value)} />;
  }
  if (!fitsPicker(field, shown)) return <Input {...common} autoComplete="off" />;
  switch (field.type) {
    case 'boolean': return <Box label={fieldLabel(field)} error={error} checked={value === true} choose={choose} />;
    case 'datetime':
    case 'timestamp': return <Input {...common} type="datetime-local" step={1} />;
    case 'date': return <Input {...common} type="date" />;
    case 'time': return <Input {...common} type="time" step={1} />;
    case 'integer': return <Input {...common} inputMode="numeric" autoComplete="off" />;
    case 'number':
    case 'decimal': return <Input {...common} inputMode="decimal" autoComplete="off" />;
    case 'json':
    case 'other': return <Textarea {...common} rows={Math.min(12, shown.split('\n').length + 1)} spellCheck={false} />;
  }
  return shown.length > LONG || shown.includes('\n')
    ? <Textarea {...common} rows={4} maxLength={field.max_length} />
    : <Input {...common} maxLength={field.max_length} autoComplete="off" />;
}

function Box({ label, error, checked, choose }: { label: string; error: string[] | undefined; checked: boolean; choose: (value: boolean) => void }) {
  return (
    <div>
      <Checkbox label={label} checked={checked} onChange={(e) => choose(e.target.checked)} />
      {error && <p role="alert">{error.join(' ')}</p>}
    </div>
  );
}

// optionsOf returns the choices. It adds the present value if that is not a choice any more.
function optionsOf(field: Field, value: unknown) {
  const choices: unknown[] = field.choices ?? [true, false];
  const all = value === null || value === undefined || choices.some((c) => String(c) === String(value)) ? choices : [value, ...choices];
  const named = all.map((c) => ({ value: String(c), label: c === true ? 'Yes' : c === false ? 'No' : choiceLabel(c) }));
  return field.nullable || value === null || value === undefined ? [{ value: '', label: field.nullable ? 'None' : 'Choose' }, ...named] : named;
}

function hintFor(field: Field, shown: string, creating: boolean): string | undefined {
  if (field.max_length && !field.choices && shown.length > field.max_length * 0.8) {
    return `${field.max_length - [...shown].length} of ${field.max_length} characters left.`;
  }
  const given = creating && !field.required && !field.nullable && field.default === undefined && field.type !== 'boolean';
  return given ? 'If empty, the database sets a value.' : undefined;
}
