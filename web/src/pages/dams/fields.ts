// The form of a dam: its fields, their check, and the columns to send.

import type { Errors } from '../../data/api.ts';
import { type Dam, isLatitude, isLongitude } from './dams.ts';

export interface Fields {
  name: string;
  latitude: string;
  longitude: string;
  river: string;
  owner: string;
  date_built: string;
}

export const noFields: Fields = { name: '', latitude: '', longitude: '', river: '', owner: '', date_built: '' };

export function fieldsOf(dam: Dam): Fields {
  return {
    name: dam.name ?? '',
    latitude: dam.latitude === null ? '' : String(dam.latitude),
    longitude: dam.longitude === null ? '' : String(dam.longitude),
    river: dam.river ?? '',
    owner: dam.owner ?? '',
    date_built: dam.date_built ?? '',
  };
}

/** number parses a coordinate. It accepts a decimal comma. */
export function number(text: string): number | null {
  const plain = text.trim().replace(',', '.');
  return plain === '' || !Number.isFinite(Number(plain)) ? null : Number(plain);
}

/** mistakes returns the errors that the form finds itself. The server checks again. */
export function mistakes(fields: Fields): Errors {
  const errors: Errors = {};
  if (!fields.name.trim()) errors.name = ['Enter a name.'];
  if (!isLatitude(number(fields.latitude))) errors.latitude = ['Enter a number from -90 to 90.'];
  if (!isLongitude(number(fields.longitude))) errors.longitude = ['Enter a number from -180 to 180.'];
  return errors;
}

/** changes returns the changed columns. An empty field becomes null. */
export function changes(fields: Fields, before: Fields): Partial<Dam> {
  const changed: Partial<Dam> = {};
  for (const key of ['name', 'river', 'owner', 'date_built'] as const) {
    if (fields[key] !== before[key]) changed[key] = fields[key].trim() || null;
  }
  for (const key of ['latitude', 'longitude'] as const) {
    if (fields[key] !== before[key]) changed[key] = number(fields[key]);
  }
  return changed;
}
