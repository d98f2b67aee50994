// Points in time: kept and sent in UTC, typed and shown by the reader's clock.

/** toInput is what a datetime-local field takes, to the minute: nobody types the seconds of an admission. */
export function toInput(iso: string | null): string {
  if (!iso) return '';
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '';
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** fromInput is the point in time, or null where the field is empty. */
export function fromInput(text: string): string | null {
  if (!text) return null;
  const at = new Date(text); // without a zone: by the reader's clock
  return Number.isNaN(at.getTime()) ? text : at.toISOString(); // what is none, the server says best
}

const shape = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'short' });

export function show(iso: string | null): string {
  if (!iso) return '—';
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : shape.format(at);
}

/** zone is what the reader's clock shows. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
