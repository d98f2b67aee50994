// Time shows a time in the user's time zone: the time of day, and the date if it is not today. The title has both.
export function Time({ at, date }: { at: string; date?: boolean }) {
  const when = new Date(at);
  if (Number.isNaN(when.getTime())) return <>{at}</>;
  return <time dateTime={at} title={when.toLocaleString()}>{date ? dateAndTime(when) : timeOrDate(when)}</time>;
}

function timeOrDate(when: Date): string {
  return when.toDateString() === new Date().toDateString()
    ? when.toLocaleTimeString([], { timeStyle: 'short' })
    : dateAndTime(when);
}

function dateAndTime(when: Date): string {
  return when.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}
