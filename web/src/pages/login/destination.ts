// destination is an address of ours to go on to. Another site's is none, however it is spelt.
export function destination(to: string | null): string {
  if (!to?.startsWith('/')) return '/';
  const there = new URL(to, location.origin);
  return there.origin === location.origin && there.pathname !== '/login' ? there.pathname + there.search : '/';
}
