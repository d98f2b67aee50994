import type { ReactNode } from 'react';
import { useLayoutEffect, useRef } from 'react';
import styles from './Flash.module.css';

// useFlash lights an element up whenever value becomes another one, not when it is first shown.
// Nothing moves. row: without the glow around it, as in a line of a table.
export function useFlash<T extends HTMLElement>(value: unknown, { row = false } = {}) {
  const element = useRef<T>(null);
  const before = useRef(value);
  useLayoutEffect(() => {
    if (Object.is(before.current, value)) return;
    before.current = value;
    light(element.current, row ? styles.row! : styles.flash!);
  }, [value, row]);
  return element;
}

function light(element: HTMLElement | null, name: string) {
  if (!element) return;
  element.classList.remove(name);
  void element.offsetWidth; // so that the animation begins anew
  element.classList.add(name);
  element.addEventListener('animationend', () => element.classList.remove(name), { once: true });
}

// Flash shows its children and lights up when value, or else the text itself, changes.
export function Flash({ value, children }: { value?: unknown; children: ReactNode }) {
  const element = useFlash<HTMLSpanElement>(value ?? children);
  return <span ref={element}>{children}</span>;
}
