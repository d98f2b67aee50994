// Dates with times. They are stored and sent in UTC, and shown and typed in the user's time zone.

/** toInput returns the value of a datetime-local field, to the minute. A time that such a field cannot show stays as it is. */
export function toInput(iso: string | null): string {
  if (!iso) return '';
  const at = new Date(iso);
  if (Number.isNaN(at.getTime()) || iso.endsWith(' BC')) return iso;
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** inputType returns the type of the field for a text. A field of type datetime-local would show other texts as empty. */
export const inputType = (text: string) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$|^$/.test(text) ? 'datetime-local' : 'text');

/** fromInput returns the time in UTC; null for an empty field. */
export function fromInput(text: string): string | null {
  if (!text) return null;
  const at = new Date(text); // without a zone: in the user's time zone
  return Number.isNaN(at.getTime()) || text.endsWith(' BC') ? text : at.toISOString(); // the server reports what is wrong with it
}

const shape = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'short' });

export function show(iso: string | null): string {
  if (!iso) return '—';
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) || iso.endsWith(' BC') ? iso : shape.format(at);
}

/** zone returns the name of the user's time zone. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
