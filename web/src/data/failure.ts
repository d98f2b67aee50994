import { describe, Problem } from './api.ts';

// failure is what to tell of a write that did not happen, and what to do: what was typed is still there.
export function failure(error: unknown): string {
  const passing = error instanceof Problem && error.passing;
  return passing ? `${describe(error)} Your input is kept: try again in a moment.` : describe(error);
}
