// Dates with times. They are stored and sent in UTC, and shown and typed in the user's time zone.

/** toInput returns the value of a datetime-local field, to the minute. */
export function toInput(iso: string | null): string {
  if (!iso) return '';
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '';
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** fromInput returns the time in UTC; null for an empty field. */
export function fromInput(text: string): string | null {
  if (!text) return null;
  const at = new Date(text); // without a zone: in the user's time zone
  return Number.isNaN(at.getTime()) ? text : at.toISOString(); // the server reports what is wrong with it
}

const shape = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'short' });

export function show(iso: string | null): string {
  if (!iso) return '—';
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : shape.format(at);
}

/** zone returns the name of the user's time zone. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
