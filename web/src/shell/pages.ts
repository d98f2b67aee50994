import type { ComponentType, LazyExoticComponent } from 'react';
import { lazy } from 'react';
import { loadMap } from '../pages/dams/map/load.ts';
import { persist } from './load.ts';

export interface Route {
  path: string; // a pattern of wouter
  page: LazyExoticComponent<ComponentType>;
  load: () => Promise<unknown>; // loads the page's files
  staff?: boolean; // only staff can use the page
}

function route(path: string, load: () => Promise<{ default: ComponentType }>, staff?: boolean): Route {
  const loaded = persist(load);
  return { path, page: lazy(loaded), load: loaded, staff };
}

// routes are all pages. web.go has the same addresses, and answers 404 to all others.
export const routes: Route[] = [
  route('/', () => import('../pages/home/index.tsx')),
  route('/login', () => import('../pages/login/index.tsx')),
  route('/chat/:room?', () => import('../pages/chat/index.tsx')),
  route('/patients', () => import('../pages/patients/index.tsx')),
  route('/dams', () => import('../pages/dams/index.tsx')),
  route('/jobs', () => import('../pages/jobs/index.tsx')),
  route('/admin/*?', () => import('../pages/admin/index.tsx'), true),
  route('/live', () => import('../pages/live/index.tsx'), true),
  route('/console/*?', () => import('../pages/console/index.tsx'), true),
];

export interface Place {
  to: string;
  label: string;
  staff?: boolean; // shown to staff only
  app?: boolean; // part of an example application
}

// places are the links of the navigation, in order.
export const places: Place[] = [
  { to: '/', label: 'Home' },
  { to: '/chat', label: 'Chat', app: true },
  { to: '/patients', label: 'Patients', app: true },
  { to: '/dams', label: 'Dams', app: true },
  { to: '/jobs', label: 'Jobs', app: true },
  { to: '/live', label: 'Live', staff: true },
  { to: '/admin', label: 'Admin', staff: true },
  { to: '/console', label: 'Console', staff: true },
];

// isAt returns whether an address is a place or below it.
export function isAt(address: string, place: string): boolean {
  return address === place || (place !== '/' && address.startsWith(`${place}/`));
}

// prepare loads the files of a place that the user is likely to open.
export function prepare(place: string) {
  routes.find(({ path }) => path === place || path.startsWith(`${place}/`))?.load().catch(ignore);
}

const SOON = 3000; // milliseconds until other pages are loaded; the page that was opened comes first
const LATER = 8000; // until the map is loaded, which is larger than all pages

// prepareAll loads all pages that the user may open, when the browser is idle. They can then be opened while the server is
// away. If the user saves data, it does nothing. It returns a function that ends this.
export function prepareAll(staff: boolean): () => void {
  if ((navigator as { connection?: { saveData?: boolean } }).connection?.saveData) return ignore;
  let ended = false;
  const whenIdle: (call: () => void) => void = window.requestIdleCallback ?? ((call) => setTimeout(call));
  const loads = routes.filter((r) => staff || !r.staff).map((r) => r.load);
  const next = () => {
    const load = loads.shift();
    if (load && !ended) void load().catch(ignore).then(() => whenIdle(next));
  };
  const timers = [setTimeout(() => whenIdle(next), SOON), setTimeout(() => whenIdle(() => void loadMap().catch(ignore)), LATER)];
  return () => {
    ended = true;
    timers.forEach(clearTimeout);
  };
}

function ignore() {} // opening the page shows the error
