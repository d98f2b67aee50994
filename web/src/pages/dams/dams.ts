// Dams as the page keeps them.

import type { RowcallEvent } from 'rowcall';
import type { Dam } from '../../data/tables.ts';

export type { Dam };

/** A dam that can be shown on a map. */
export interface Placed extends Dam {
  latitude: number;
  longitude: number;
}

/** reduceDams is the dams after an event, in the order of their ids. What is the same stays the same object. */
export function reduceDams(dams: readonly Dam[], event: RowcallEvent): readonly Dam[] {
  switch (event.type) {
    case 'dam.create':
    case 'dam.update': return put(dams, event.data as Dam);
    case 'dam.delete': return without(dams, event.data.id);
    default: return dams;
  }
}

function put(dams: readonly Dam[], dam: Dam): readonly Dam[] {
  const at = dams.findIndex((other) => other.id >= dam.id);
  if (at < 0) return [...dams, dam];
  return dams.toSpliced(at, dams[at]!.id === dam.id ? 1 : 0, dam);
}

function without(dams: readonly Dam[], id: number): readonly Dam[] {
  return dams.some((dam) => dam.id === id) ? dams.filter((dam) => dam.id !== id) : dams;
}

/** isPlaced is false for dams whose place is not known, or is none. Every column may be empty. */
export function isPlaced(dam: Dam): dam is Placed {
  return isLatitude(dam.latitude) && isLongitude(dam.longitude);
}

export const isLatitude = (value: number | null) => value !== null && Number.isFinite(value) && Math.abs(value) <= 90;
export const isLongitude = (value: number | null) => value !== null && Number.isFinite(value) && Math.abs(value) <= 180;

export const nameOf = (dam: Dam) => dam.name?.trim() || `Dam ${dam.id}`;

/** search finds the dams that have every word of a text somewhere in what is known of them. */
export function search(dams: readonly Dam[], text: string): readonly Dam[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return dams;
  return dams.filter((dam) => {
    const known = [nameOf(dam), dam.river, dam.owner, dam.date_built].join(' ').toLowerCase();
    return words.every((word) => known.includes(word));
  });
}

/** degrees is a point as people write it. */
export function degrees(latitude: number, longitude: number): string {
  const side = (value: number, [positive, negative]: [string, string]) => `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`;
  return `${side(latitude, ['N', 'S'])}, ${side(longitude, ['E', 'W'])}`;
}
