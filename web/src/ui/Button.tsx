import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './Button.module.css';
import { classes } from './classes.ts';

export type Variant = 'plain' | 'primary' | 'danger' | 'quiet';

interface Look {
  variant?: Variant;
  small?: boolean;
  wide?: boolean; // as wide as what it is in
  children: ReactNode;
}

export interface ButtonProps extends Look, Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  busy?: boolean; // something is being done: it turns, and cannot be pressed
}

function look({ variant = 'plain', small, wide }: Omit<Look, 'children'>, busy?: boolean): string {
  return classes(styles.button, variant !== 'plain' && styles[variant], small && styles.small, wide && styles.wide, busy && styles.busy);
}

// Button does something on this page. It submits a form only where type says so.
export function Button({ variant, small, wide, busy, disabled, children, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      disabled={disabled || busy}
      className={classes(look({ variant, small, wide }, busy), className)}
    >
      <span>{children}</span>
    </button>
  );
}

// ButtonLink looks like a button and leads to another page of ours.
export function ButtonLink({ to, children, ...rest }: Look & { to: string }) {
  return <Link href={to} className={look(rest)}>{children}</Link>;
}
