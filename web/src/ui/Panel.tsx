import type { ReactNode } from 'react';
import { useId } from 'react';
import { classes } from './classes.ts';
import styles from './Panel.module.css';

export interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode; // beside the title
  flush?: boolean; // the content reaches the edges, as a table does
  scroll?: string; // the panel scrolls: its name for the scroll position in the history
  children: ReactNode;
}

// Panel is a part of a page with a border.
export function Panel({ title, actions, flush, scroll, children }: PanelProps) {
  const id = useId();
  return (
    <section className={classes(styles.panel, flush && styles.flush)} aria-labelledby={title ? id : undefined} data-scroll={scroll}>
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
