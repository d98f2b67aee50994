// Clustering: many dams that would overlap on the map become one marker with a number.

import type { Placed } from './dams.ts';

export interface Spot {
  dams: Placed[];
  x: number; // pixels
  y: number;
}

export type Project = (dam: Placed) => { x: number; y: number };

const few = 60; // up to so many dams are not clustered

/** group puts the dams of each cell of a grid together, at their mean position. */
export function group(dams: readonly Placed[], project: Project, cell = 44): Spot[] {
  if (dams.length <= few) return dams.map((dam) => ({ dams: [dam], ...project(dam) }));
  const cells = new Map<string, Spot>();
  for (const dam of dams) {
    const { x, y } = project(dam);
    const key = `${Math.floor(x / cell)},${Math.floor(y / cell)}`;
    const spot = cells.get(key);
    if (!spot) {
      cells.set(key, { dams: [dam], x, y });
      continue;
    }
    spot.x += (x - spot.x) / (spot.dams.length + 1);
    spot.y += (y - spot.y) / (spot.dams.length + 1);
    spot.dams.push(dam);
  }
  return [...cells.values()];
}
