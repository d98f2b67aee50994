import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes, TextareaHTMLAttributes } from 'react';
import { useId } from 'react';
import { classes } from './classes.ts';
import styles from './Field.module.css';

interface Labelled {
  label: string;
  hideLabel?: boolean; // the label is only for screen readers
  hint?: ReactNode;
  error?: string | string[]; // as in Problem.errors
  small?: boolean;
}

interface Wiring {
  id: string;
  className: string;
  'aria-invalid': boolean | undefined;
  'aria-describedby': string | undefined;
}

// Field puts a label above a control, and a hint and an error below.
export function Field({ label, hideLabel, hint, error, small, children }: Labelled & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const wrong = typeof error === 'string' ? error : error?.join(' ');
  const described = classes(hint ? `${id}-hint` : '', wrong ? `${id}-error` : '');
  return (
    <div className={classes(styles.field, small && styles.small)}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : styles.label}>{label}</label>
      {children({ id, className: styles.input!, 'aria-invalid': wrong ? true : undefined, 'aria-describedby': described || undefined })}
      {hint && <p id={`${id}-hint`} className={styles.hint}>{hint}</p>}
      {wrong && <p id={`${id}-error`} className={styles.error} role="alert">{wrong}</p>}
    </div>
  );
}

export type InputProps = Labelled & Omit<InputHTMLAttributes<HTMLInputElement>, 'id' | 'className'> & { ref?: React.Ref<HTMLInputElement> };

export function Input({ label, hideLabel, hint, error, small, ...rest }: InputProps) {
  return <Field {...{ label, hideLabel, hint, error, small }}>{(wiring) => <input {...rest} {...wiring} />}</Field>;
}

export type TextareaProps = Labelled & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'id' | 'className'> & { ref?: React.Ref<HTMLTextAreaElement> };

export function Textarea({ label, hideLabel, hint, error, small, ...rest }: TextareaProps) {
  return <Field {...{ label, hideLabel, hint, error, small }}>{(wiring) => <textarea {...rest} {...wiring} />}</Field>;
}

export type SelectProps = Labelled & Omit<SelectHTMLAttributes<HTMLSelectElement>, 'id' | 'className'> & {
  options?: (string | { value: string; label: string })[]; // instead of children
  ref?: React.Ref<HTMLSelectElement>;
};

export function Select({ label, hideLabel, hint, error, small, options, children, ...rest }: SelectProps) {
  return (
    <Field {...{ label, hideLabel, hint, error, small }}>
      {(wiring) => (
        <select {...rest} {...wiring}>
          {options?.map((o) => (typeof o === 'string' ? { value: o, label: o } : o)).map((o) => <option key={o.value} value={o.value}>{o.label}</option>)}
          {children}
        </select>
      )}
    </Field>
  );
}

// Checkbox is a check box with a label.
export function Checkbox({ label, ...rest }: { label: string } & Omit<InputHTMLAttributes<HTMLInputElement>, 'type' | 'className'>) {
  return <label className={styles.check}><input type="checkbox" {...rest} />{label}</label>;
}
