import styles from './Spinner.module.css';

// Spinner says that something is on its way. It shows itself only when that takes a while.
export function Spinner({ label = 'Loading' }: { label?: string }) {
  return <div className={styles.spinner} role="status"><span className={styles.ring} aria-hidden="true" />{label}</div>;
}
