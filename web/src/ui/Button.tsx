import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Link } from 'wouter';
import { useOffline } from '../data/online.ts';
import styles from './Button.module.css';
import { classes } from './classes.ts';

export type Variant = 'plain' | 'primary' | 'danger' | 'quiet';

interface Look {
  variant?: Variant;
  small?: boolean;
  wide?: boolean; // as wide as its container
  children: ReactNode;
}

export interface ButtonProps extends Look, Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  busy?: boolean; // an action is running: the button shows a spinner and is disabled
  writes?: boolean; // the action needs the server: the button is disabled while the connection is lost
}

function look({ variant = 'plain', small, wide }: Omit<Look, 'children'>, busy?: boolean): string {
  return classes(styles.button, variant !== 'plain' && styles[variant], small && styles.small, wide && styles.wide, busy && styles.busy);
}

// Button runs an action on this page. It submits a form only if its type says so.
export function Button({ writes, ...props }: ButtonProps) {
  return writes ? <WriteButton {...props} /> : <PlainButton {...props} />;
}

function WriteButton(props: ButtonProps) {
  const offline = useOffline();
  return <PlainButton {...props} disabled={props.disabled || offline} title={offline ? 'Not possible while the connection is lost' : props.title} />;
}

function PlainButton({ variant, small, wide, busy, disabled, children, className, ...rest }: ButtonProps) {
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

// ButtonLink is a link to another page of the application that looks like a button.
export function ButtonLink({ to, children, ...rest }: Look & { to: string }) {
  return <Link href={to} className={look(rest)}>{children}</Link>;
}
