// Formats for numbers. Their widths vary little, so that the page stays still.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

// size formats a number of bytes. A unit is 1,024 of the unit before.
export function size(bytes: number): string {
  let unit = 0;
  let n = bytes;
  for (; n >= 1024 && unit < UNITS.length - 1; unit++) n /= 1024;
  return `${n.toFixed(unit === 0 || n >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

// span formats a duration.
export function span(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${trim(seconds / 3600)} h`;
  return `${trim(seconds / 86400)} days`;
}

const trim = (n: number) => n.toFixed(1).replace(/\.0$/, '');

// rate formats a number per second: with one decimal if it is small.
export function rate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString();
}

// between returns the seconds between two times of the server.
export function between(earlier: string, later: string): number {
  return Math.max(0, (Date.parse(later) - Date.parse(earlier)) / 1000);
}
