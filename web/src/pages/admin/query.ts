// The state of a list is in the address of the page, so that it is in the history and can be shared.
import type { Query } from '../../data/rows.ts';
import type { Resource } from './describe.ts';
import { filterable, sortable } from './describe.ts';

export const PAGE = 25; // rows

export interface ListState {
  search: string;
  sort: { key: string; descending: boolean };
  page: number; // from 1
  filters: Record<string, string>; // by field
}

// usualSort orders by the key, largest first: usually the newest.
export const usualSort = (resource: Resource) => ({ key: resource.key, descending: true });

// readState parses an address. It ignores unknown parameters.
export function readState(resource: Resource, params: URLSearchParams): ListState {
  const [, minus, key] = /^(-?)(.*)$/s.exec(params.get('sort') ?? '')!;
  const known = resource.fields.some((f) => f.name === key && sortable(f));
  const page = Number(params.get('page'));
  const filters: Record<string, string> = {};
  for (const field of resource.fields.filter(filterable)) {
    const value = params.get(field.name);
    if (value !== null) filters[field.name] = value;
  }
  return {
    search: (params.get('search') ?? '').slice(0, 100),
    sort: known ? { key: key!, descending: minus === '-' } : usualSort(resource),
    page: Number.isInteger(page) && page > 0 ? page : 1,
    filters,
  };
}

// writeState returns the parameters of an address. It omits defaults.
export function writeState(resource: Resource, state: ListState): URLSearchParams {
  const params = new URLSearchParams();
  if (state.search) params.set('search', state.search);
  for (const [name, value] of Object.entries(state.filters)) params.set(name, value);
  const usual = usualSort(resource);
  if (state.sort.key !== usual.key || state.sort.descending !== usual.descending) params.set('sort', ordering(state.sort));
  if (state.page > 1) params.set('page', String(state.page));
  return params;
}

const ordering = ({ key, descending }: ListState['sort']) => (descending ? '-' : '') + key;

// queryOf returns the query for the server.
export function queryOf(state: ListState): Query {
  const { search, sort, page, filters } = state;
  return { ...filters, limit: PAGE, offset: (page - 1) * PAGE, ordering: ordering(sort), ...(search.trim() && { search: search.trim() }) };
}

// narrowed returns whether a search or a filter is active.
export const narrowed = (state: ListState) => state.search.trim() !== '' || Object.keys(state.filters).length > 0;

// lastPage returns the number of the last page.
export const lastPage = (total: number) => Math.max(1, Math.ceil(total / PAGE));
