// Which dams are new to the reader: added by somebody else since the page was opened, and neither
// looked at nor waved away.

import type { Dam } from './dams.ts';

export interface Arrivals {
  known: ReadonlySet<number> | null; // null: the first dams are not here yet
  mine: ReadonlySet<number>; // added by the reader
  ids: readonly number[]; // the new ones, in the order they came
}

export const noArrivals: Arrivals = { known: null, mine: new Set(), ids: [] };

export type Step =
  | { type: 'dams'; dams: readonly Dam[] } // the dams as they are now
  | { type: 'mine'; id: number } // the reader has added this one
  | { type: 'seen' }; // the box was closed

/**
 * arrive goes by the dams that are there, and not by events: so it tells of those that came while the
 * connection was lost, too. The answer to the reader's own addition may come before or after its event.
 */
export function arrive(before: Arrivals, step: Step): Arrivals {
  switch (step.type) {
    case 'seen': return before.ids.length ? { ...before, ids: [] } : before;
    case 'mine': return {
      ...before,
      mine: new Set(before.mine).add(step.id),
      ids: before.ids.filter((id) => id !== step.id),
    };
    case 'dams': {
      const known = new Set(step.dams.map((dam) => dam.id));
      if (!before.known) return { ...before, known };
      const added = [...known].filter((id) => !before.known!.has(id) && !before.mine.has(id));
      const left = before.ids.filter((id) => known.has(id));
      return { ...before, known, ids: [...left, ...added] };
    }
  }
}
