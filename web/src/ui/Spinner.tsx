import styles from './Spinner.module.css';

// Spinner shows that something is loading. It appears after a delay.
export function Spinner({ label = 'Loading' }: { label?: string }) {
  return <div className={styles.spinner} role="status"><span className={styles.ring} aria-hidden="true" />{label}</div>;
}
