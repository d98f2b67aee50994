// The dams that are new to the user: added by others since the page was opened, and not acknowledged yet.

import type { Id } from '../../data/ids.ts';
import type { Dam } from './dams.ts';

export interface Arrivals {
  known: ReadonlySet<Id> | null; // null: the dams are not loaded yet
  mine: ReadonlySet<Id>; // added by the user
  ids: readonly Id[]; // the new dams, in the order in which they arrived
}

export const noArrivals: Arrivals = { known: null, mine: new Set(), ids: [] };

export type Step =
  | { type: 'dams'; dams: readonly Dam[] } // the present dams
  | { type: 'mine'; id: Id } // the user has added this dam
  | { type: 'seen' }; // the box was closed

/**
 * arrive compares the present dams with the known ones. It does not use events, so it also finds dams that were added while
 * the connection was lost. The answer to the user's own addition may arrive before or after its event.
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
