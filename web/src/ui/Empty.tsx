import type { ReactNode } from 'react';
import styles from './Empty.module.css';

// Empty stands where there is nothing yet, and says how something gets there.
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.title}>{title}</p>
      {children && <div>{children}</div>}
      {action}
    </div>
  );
}
