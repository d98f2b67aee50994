// The scroll positions of the pages in the history. The pages load their rows after they are shown, so the browser cannot
// restore the position itself: it is restored when the page is long enough.
import { type RefObject, useLayoutEffect, useRef } from 'react';

const PATIENCE = 5000; // milliseconds for which a page may grow
const KEY = 'rowcall.scroll';
const MOST = 100; // entries of the history
// RESTORED is the event of an element whose position was restored.
export const RESTORED = 'restored';

const NEAR = 60; // pixels from the end of a box that count as the end

// Positions has the position of the page under '', and of boxes under the names in their attribute data-scroll. A box with
// data-keep-end shows its end by itself.
type Positions = Record<string, number>;

const known = new Map<string, Positions>(load());
let entry = ''; // the present entry of the history

function load(): [string, Positions][] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
  } catch {
    return [];
  }
}

function keep() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...known].slice(-MOST)));
  } catch {
    // Storage may be disabled or full: positions are then lost when the page is reloaded.
  }
}

function record() {
  if (!entry) return;
  const positions: Positions = { ...known.get(entry), '': window.scrollY };
  for (const box of boxes()) {
    const { scroll: name, keepEnd } = box.dataset;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (keepEnd && atEnd) delete positions[name!]; // the box shows its end by itself
    else positions[name!] = box.scrollTop;
  }
  known.delete(entry);
  known.set(entry, positions);
}

const boxes = () => document.querySelectorAll<HTMLElement>('[data-scroll]');

// useScrollMemory remembers the scroll positions of each entry of the history. When the user comes back to an entry, it
// restores them; on a new path it scrolls to the top. With each new path it moves the focus to the main element.
export function useScrollMemory(path: string, search: string, main: RefObject<HTMLElement | null>) {
  const before = useRef<string>(undefined); // the path before; undefined: the application was opened
  useLayoutEffect(() => {
    history.scrollRestoration = 'manual';
    document.addEventListener('scroll', record, { capture: true, passive: true });
    addEventListener('pagehide', keep);
    return () => {
      document.removeEventListener('scroll', record, { capture: true });
      removeEventListener('pagehide', keep);
    };
  }, []);
  useLayoutEffect(() => {
    const returned = typeof history.state?.entry === 'string';
    entry = returned ? history.state.entry : newEntry();
    const arrived = before.current !== undefined && before.current !== path;
    before.current = path;
    if (arrived) main.current?.focus({ preventScroll: true });
    if (returned) return restore(known.get(entry) ?? {});
    if (arrived) window.scrollTo(0, 0);
    record();
    return undefined;
  }, [path, search, main]);
}

// newEntry marks the present entry of the history, so that it is recognized when the user comes back to it.
function newEntry(): string {
  const name = `${Date.now()}-${Math.random()}`;
  history.replaceState({ ...history.state, entry: name }, '');
  return name;
}

// restore scrolls to positions as soon as the page is long enough. It gives up when the user scrolls, or after a while. It
// returns a function that ends this.
function restore(positions: Positions): () => void {
  const left = new Map(Object.entries(positions));
  const grown = new ResizeObserver(attempt);
  const added = new MutationObserver(attempt);
  const timer = setTimeout(end, PATIENCE);
  const acts = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const;
  for (const act of acts) addEventListener(act, end, { passive: true });
  grown.observe(document.body);
  added.observe(document.body, { childList: true, subtree: true });
  attempt();
  return end;

  function attempt() {
    const page = document.documentElement;
    if (scrolled(page, left.get('') ?? 0)) left.delete('');
    for (const box of boxes()) {
      const name = box.dataset.scroll!;
      if (left.has(name) && scrolled(box, left.get(name)!)) left.delete(name);
    }
    if (left.size === 0) end();
  }

  function end() {
    clearTimeout(timer);
    grown.disconnect();
    added.disconnect();
    for (const act of acts) removeEventListener(act, end);
  }
}

// scrolled scrolls an element to a position, and returns whether the element was long enough. The element hears of it.
function scrolled(element: HTMLElement, top: number): boolean {
  if (element.scrollHeight - element.clientHeight < top) return false;
  element.scrollTop = top;
  element.dispatchEvent(new Event(RESTORED));
  return true;
}
