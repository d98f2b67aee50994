// destination returns the address to open after a login: the given one if it belongs to this site, otherwise the home page.
export function destination(to: string | null): string {
  if (!to?.startsWith('/')) return '/';
  const there = new URL(to, location.origin);
  return there.origin === location.origin && there.pathname !== '/login' ? there.pathname + there.search : '/';
}
