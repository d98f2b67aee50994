import type { RefObject } from 'react';
import { useState } from 'react';
import { describe as inWords, Problem } from '../../data/api.ts';
import { Notice } from '../../ui/Notice.tsx';
import type { Field } from './describe.ts';
import { fieldLabel, words } from './describe.ts';

// Refused shows why a form was not saved, if the reason belongs to no field.
export function Refused({ problem }: { problem: string }) {
  return problem ? <Notice tone="bad">{problem}</Notice> : null;
}

// useProblem keeps the problem of the whole form. Its function takes an error, and returns the problems of single fields.
export function useProblem(fields: Field[]): [string, (error: unknown) => Record<string, string[]>] {
  const [problem, setProblem] = useState('');
  return [problem, (error) => {
    const { whole, byField } = sorted(fields, error);
    setProblem(whole);
    return byField;
  }];
}

// sorted separates the problems of shown fields from all others.
export function sorted(fields: Field[], error: unknown): { whole: string; byField: Record<string, string[]> } {
  const byField: Record<string, string[]> = {};
  const rest: string[] = [];
  if (!error) return { whole: '', byField };
  if (!(error instanceof Problem) || Object.keys(error.errors).length === 0) return { whole: inWords(error), byField };
  for (const [name, said] of Object.entries(error.errors)) {
    if (fields.some((f) => f.name === name)) byField[name] = said;
    else rest.push(name === 'non_field_errors' ? said.join(' ') : `${words(name)}: ${said.join(' ')}`);
  }
  const named = fields.filter((f) => byField[f.name]).map(fieldLabel);
  const hint = named.length ? `Not saved. Check ${named.join(', ')}.` : 'Not saved.';
  return { whole: [rest.length ? '' : hint, ...rest].filter(Boolean).join(' '), byField };
}

// toFirstProblem moves the focus to the first invalid control, after it is rendered.
export function toFirstProblem(form: RefObject<HTMLFormElement | null>) {
  requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}
