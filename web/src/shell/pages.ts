import type { ComponentType, LazyExoticComponent } from 'react';
import { lazy } from 'react';

export interface Route {
  path: string; // as wouter has patterns
  page: LazyExoticComponent<ComponentType>;
  load: () => Promise<unknown>; // fetches the page's files
}

function route(path: string, load: () => Promise<{ default: ComponentType }>): Route {
  return { path, page: lazy(load), load };
}

// Every page, by its address. web.go knows the same addresses: what is not among them is answered 404.
export const routes: Route[] = [
  route('/', () => import('../pages/home/index.tsx')),
  route('/login', () => import('../pages/login/index.tsx')),
  route('/chat/:room?', () => import('../pages/chat/index.tsx')),
  route('/patients', () => import('../pages/patients/index.tsx')),
  route('/dams', () => import('../pages/dams/index.tsx')),
  route('/jobs', () => import('../pages/jobs/index.tsx')),
  route('/admin/*?', () => import('../pages/admin/index.tsx')),
  route('/console/*?', () => import('../pages/console/index.tsx')),
];

export interface Place {
  to: string;
  label: string;
  staff?: boolean; // shown to staff only
  app?: boolean; // of an example application
}

// The places of the navigation, in their order.
export const places: Place[] = [
  { to: '/', label: 'Home' },
  { to: '/chat', label: 'Chat', app: true },
  { to: '/patients', label: 'Patients', app: true },
  { to: '/dams', label: 'Dams', app: true },
  { to: '/jobs', label: 'Jobs', app: true },
  { to: '/admin', label: 'Admin', staff: true },
  { to: '/console', label: 'Console', staff: true },
];

// isAt reports whether an address is the place or below it.
export function isAt(address: string, place: string): boolean {
  return address === place || (place !== '/' && address.startsWith(`${place}/`));
}

// prepare fetches the files of a place that somebody is about to go to.
export function prepare(place: string) {
  routes.find(({ path }) => path === place || path.startsWith(`${place}/`))?.load().catch(() => {}); // going there says so
}
