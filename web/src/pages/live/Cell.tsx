import styles from './live.module.css';

// Cell shows a value of a row. Text of a row is never markup.
export function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className={styles.null}>NULL</span>;
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return <span className={styles.value} title={text.length > 40 ? text : undefined}>{text}</span>;
}
