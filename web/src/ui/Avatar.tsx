import type { Id } from '../data/ids.ts';
import styles from './Avatar.module.css';
import { classes } from './classes.ts';

const HUES = 6;

// Avatar shows a person's initials, in a colour that depends on the id or the name. It is hidden from screen readers: show
// the name beside it.
export function Avatar({ name, id, small }: { name: string; id?: Id; small?: boolean }) {
  const hue = Math.abs((Number(id) || sumOf(name)) % HUES);
  return <span className={classes(styles.avatar, styles[`hue${hue}`], small && styles.small)} aria-hidden="true">{initials(name)}</span>;
}

const sumOf = (name: string) => [...name].reduce((sum, letter) => sum + letter.codePointAt(0)!, 0);

// initials returns the first letters of the first and the last word.
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const chosen = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return chosen.map((word) => [...word][0]!.toUpperCase()).join('') || '?';
}
