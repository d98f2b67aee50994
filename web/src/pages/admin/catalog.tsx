import type { ReactNode } from 'react';
import { createContext, useContext, useMemo } from 'react';
import type { Key, Resource } from './describe.ts';

// Catalog has the descriptions of all resources.
export interface Catalog {
  resources: Resource[];
  find: (name: string) => Resource | undefined;
  lists: Map<string, string>; // the last query of each list's address
}

const Context = createContext<Catalog | null>(null);

export function CatalogProvider({ resources, children }: { resources: Resource[]; children: ReactNode }) {
  const catalog = useMemo<Catalog>(
    () => ({ resources, find: (name) => resources.find((r) => r.name === name), lists: new Map() }),
    [resources],
  );
  return <Context value={catalog}>{children}</Context>;
}

export function useCatalog(): Catalog {
  const catalog = useContext(Context);
  if (!catalog) throw new Error('useCatalog needs a CatalogProvider');
  return catalog;
}

// Addresses below /admin. The address of a list includes its last query.
export const listAddress = (catalog: Catalog, name: string) => `/admin/${name}${catalog.lists.get(name) ?? ''}`;

export const newAddress = (name: string) => `/admin/${name}/new`;

export const rowAddress = (name: string, key: Key) => `/admin/${name}/${encodeURIComponent(key)}`;
