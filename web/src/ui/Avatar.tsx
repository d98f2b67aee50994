import styles from './Avatar.module.css';
import { classes } from './classes.ts';

const HUES = 6;

// Avatar is a person's initials, in a colour of their own. The name is said beside it: it is
// hidden from screen readers.
export function Avatar({ name, id, small }: { name: string; id?: number; small?: boolean }) {
  const hue = (id ?? [...name].reduce((sum, letter) => sum + letter.codePointAt(0)!, 0)) % HUES;
  return <span className={classes(styles.avatar, styles[`hue${hue}`], small && styles.small)} aria-hidden="true">{initials(name)}</span>;
}

// initials are of the first and the last word.
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const chosen = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return chosen.map((word) => [...word][0]!.toUpperCase()).join('') || '?';
}
