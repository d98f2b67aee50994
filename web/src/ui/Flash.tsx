import type { ReactNode } from 'react';
import { useLayoutEffect, useRef } from 'react';
import styles from './Flash.module.css';

// useFlash highlights an element for a moment when value changes, but not when the element is first shown. It moves nothing.
// row is for a row of a table: there is no glow around it.
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
  void element.offsetWidth; // restarts the animation
  element.classList.add(name);
  element.addEventListener('animationend', () => element.classList.remove(name), { once: true });
}

// Flash highlights its children when value changes; without value, when the text changes.
export function Flash({ value, children }: { value?: unknown; children: ReactNode }) {
  const element = useFlash<HTMLSpanElement>(value ?? children);
  return <span ref={element}>{children}</span>;
}
