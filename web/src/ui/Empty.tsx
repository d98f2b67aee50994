import type { ReactNode } from 'react';
import styles from './Empty.module.css';

// Empty is shown in place of an empty list, and says how to add something.
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.title}>{title}</p>
      {children && <div>{children}</div>}
      {action}
    </div>
  );
}
