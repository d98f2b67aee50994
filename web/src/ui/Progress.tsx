import { classes } from './classes.ts';
import styles from './Progress.module.css';

export interface ProgressProps {
  value: number;
  max?: number;
  label: string; // for screen readers: progress of what
  tone?: 'accent' | 'good' | 'bad';
}

export function Progress({ value, max = 100, label, tone = 'accent' }: ProgressProps) {
  const part = Math.min(1, Math.max(0, value / max));
  return (
    <div className={classes(styles.progress, styles[tone])} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={max} aria-valuenow={value}>
      <div className={styles.bar} style={{ translate: `${(part - 1) * 100}%` }} />
    </div>
  );
}
