import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { listAddress, useCatalog } from './catalog.tsx';
import type { Crumb } from './Crumbs.tsx';
import { Crumbs } from './Crumbs.tsx';
import { words } from './describe.ts';
import styles from './Frame.module.css';

// Frame is the frame of a resource's pages: the list of resources, and the breadcrumbs.
export function Frame({ at, crumbs, children }: { at: string; crumbs: Crumb[]; children: ReactNode }) {
  const catalog = useCatalog();
  return (
    <div className={styles.frame}>
      <nav aria-label="Resources" className={styles.side}>
        <ul>
          {catalog.resources.map(({ name }) => (
            <li key={name}><Link href={listAddress(catalog, name)} className={styles.place} aria-current={name === at ? 'true' : undefined}>{words(name)}</Link></li>
          ))}
        </ul>
      </nav>
      <div className={styles.content}>
        <Crumbs crumbs={[{ label: 'Admin', to: '/admin' }, ...crumbs]} />
        {children}
      </div>
    </div>
  );
}
