import { describe, Problem } from './api.ts';

// failure returns a message about a write that failed, and says that the input is kept.
export function failure(error: unknown): string {
  const passing = error instanceof Problem && error.passing;
  return passing ? `${describe(error)} Your input is kept: try again in a moment.` : describe(error);
}
