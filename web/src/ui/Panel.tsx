import type { ReactNode } from 'react';
import { useId } from 'react';
import { classes } from './classes.ts';
import styles from './Panel.module.css';

export interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode; // beside the title
  flush?: boolean; // the content reaches the edges, as a table does
  children: ReactNode;
}

// Panel is a part of a page with an edge around it.
export function Panel({ title, actions, flush, children }: PanelProps) {
  const id = useId();
  return (
    <section className={classes(styles.panel, flush && styles.flush)} aria-labelledby={title ? id : undefined}>
      {(title || actions) && (
        <div className={styles.head}>
          {title && <h2 id={id}>{title}</h2>}
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}
