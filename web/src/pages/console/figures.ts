// Numbers as people read them, each about as wide as the one it replaces.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

// size is a number of bytes in the unit that suits it, a thousand and twenty-four of each to the next.
export function size(bytes: number): string {
  let unit = 0;
  let n = bytes;
  for (; n >= 1024 && unit < UNITS.length - 1; unit++) n /= 1024;
  return `${n.toFixed(unit === 0 || n >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

// span is a length of time in the unit that suits it.
export function span(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${trim(seconds / 3600)} h`;
  return `${trim(seconds / 86400)} days`;
}

const trim = (n: number) => n.toFixed(1).replace(/\.0$/, '');

// rate is a number a second: with a digit behind the point while it is small.
export function rate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString();
}

// between is how many seconds lie between two times that the server has told.
export function between(earlier: string, later: string): number {
  return Math.max(0, (Date.parse(later) - Date.parse(earlier)) / 1000);
}
