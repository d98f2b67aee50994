import type { ReactNode } from 'react';
import { createContext, useContext, useMemo } from 'react';
import type { Key, Resource } from './describe.ts';

// Catalog is what the pages of the admin know of all resources.
export interface Catalog {
  resources: Resource[];
  find: (name: string) => Resource | undefined;
  lists: Map<string, string>; // how each list was left: the query of its address
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
  if (!catalog) throw new Error('useCatalog is for the pages of the admin');
  return catalog;
}

// Addresses below /admin. A list is found again as it was left.
export const listAddress = (catalog: Catalog, name: string) => `/admin/${name}${catalog.lists.get(name) ?? ''}`;

export const newAddress = (name: string) => `/admin/${name}/new`;

export const rowAddress = (name: string, key: Key) => `/admin/${name}/${encodeURIComponent(key)}`;
