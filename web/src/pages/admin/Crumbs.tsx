import { Link } from 'wouter';
import styles from './Crumbs.module.css';

export interface Crumb {
  label: string;
  to?: string; // undefined: the present page
}

// Crumbs are the links to the pages above this one.
export function Crumbs({ crumbs }: { crumbs: Crumb[] }) {
  return (
    <nav aria-label="Breadcrumbs">
      <ol className={styles.crumbs}>
        {crumbs.map(({ label, to }) => (
          <li key={label} className={styles.crumb}>
            {to ? <Link href={to}>{label}</Link> : <span aria-current="page">{label}</span>}
          </li>
        ))}
      </ol>
    </nav>
  );
}
