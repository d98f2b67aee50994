// The dams of the page.

import type { RowcallEvent } from 'rowcall';
import { compareIds, type Id, withTextIds } from '../../data/ids.ts';
import type { Dam } from '../../data/tables.ts';

export type { Dam };

/** A dam with valid coordinates. */
export interface Placed extends Dam {
  latitude: number;
  longitude: number;
}

export const damsOf = (rows: readonly unknown[]): readonly Dam[] => rows.map(damOf).sort((a, b) => compareIds(a.id, b.id));

const damOf = (row: unknown) => withTextIds<Dam>(row);

/** reduceDams returns the dams after an event, in the order of their ids. Dams that have not changed stay the same objects. */
export function reduceDams(dams: readonly Dam[], event: RowcallEvent): readonly Dam[] {
  switch (event.type) {
    case 'dam.create':
    case 'dam.update': return put(dams, damOf(event.data));
    case 'dam.delete': return without(dams, String(event.data.id));
    default: return dams;
  }
}

function put(dams: readonly Dam[], dam: Dam): readonly Dam[] {
  const at = dams.findIndex((other) => compareIds(other.id, dam.id) >= 0);
  if (at < 0) return [...dams, dam];
  return dams.toSpliced(at, dams[at]!.id === dam.id ? 1 : 0, dam);
}

function without(dams: readonly Dam[], id: Id): readonly Dam[] {
  return dams.some((dam) => dam.id === id) ? dams.filter((dam) => dam.id !== id) : dams;
}

/** isPlaced returns whether a dam has valid coordinates. Every column may be null. */
export function isPlaced(dam: Dam): dam is Placed {
  return isLatitude(dam.latitude) && isLongitude(dam.longitude);
}

export const isLatitude = (value: number | null) => value !== null && Number.isFinite(value) && Math.abs(value) <= 90;
export const isLongitude = (value: number | null) => value !== null && Number.isFinite(value) && Math.abs(value) <= 180;

export const nameOf = (dam: Dam) => dam.name?.trim() || `Dam ${dam.id}`;

/** search returns the dams whose columns contain every word of a text. */
export function search(dams: readonly Dam[], text: string): readonly Dam[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return dams;
  return dams.filter((dam) => {
    const known = [nameOf(dam), dam.river, dam.owner, dam.date_built].join(' ').toLowerCase();
    return words.every((word) => known.includes(word));
  });
}

/** degrees returns the usual notation of a point. */
export function degrees(latitude: number, longitude: number): string {
  const side = (value: number, [positive, negative]: [string, string]) => `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`;
  return `${side(latitude, ['N', 'S'])}, ${side(longitude, ['E', 'W'])}`;
}
