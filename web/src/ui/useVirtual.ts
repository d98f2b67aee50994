import { type RefObject, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { type Part, partOf } from './part.ts';

const SHORT = 60; // items; a list of so many is rendered whole
const MARGIN = 600; // pixels that are rendered above and below the view
const STEP = 200; // pixels; a list is rendered again after it was scrolled so far

export interface VirtualOptions {
  keys: readonly string[]; // of all items, in order
  estimate: number; // height of an item that was not rendered yet, in pixels
  list: RefObject<HTMLElement | null>; // the element around the items
  box?: RefObject<HTMLElement | null>; // the element that scrolls, if it is not the page
  fromEnd?: boolean; // the list is first shown at its end
  name?: string; // lists of one name share the heights of their items, so that a list has the same length when it is shown again
}

export interface Virtual extends Part {
  item: Item;
}

// Item is the ref of each rendered item. The element needs the attribute data-key.
export type Item = (element: HTMLElement | null) => (() => void) | undefined;

type Heights = Map<string, number>; // by key, in pixels

const KEY = 'rowcall.heights';
const MOST = 20; // lists

// remembered has the heights of the lists that were shown last, by their names. They outlast a reload: the scroll position of
// a list is restored to the same items.
const remembered = new Map<string, Heights>(load());

function load(): [string, Heights][] {
  try {
    const kept: [string, [string, number][]][] = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return kept.map(([name, heights]) => [name, new Map(heights)]);
  } catch {
    return [];
  }
}

function keep() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...remembered].filter(([, heights]) => heights.size > 0).slice(-MOST).map(([name, heights]) => [name, [...heights]])));
  } catch {
    // Storage may be disabled or full: heights are then estimated when the page is reloaded.
  }
}

// useVirtual renders only the visible part of a long list. It measures the items that are rendered, and remembers their
// heights.
export function useVirtual({ keys, estimate, list, box, fromEnd, name }: VirtualOptions): Virtual {
  const heights = useRef<Heights>(heightsOf(name));
  const [measured, setMeasured] = useState(0); // counts the measurements
  const [view, setView] = useState({ top: fromEnd ? Infinity : 0, height: 1000 });
  const look = useCallback(() => {
    const seen = viewOf(list.current, box?.current);
    if (seen) setView((before) => (before.top === seen.top && before.height === seen.height ? before : seen));
  }, [list, box]);
  const item = useMeasure(heights, setMeasured);
  useLayoutEffect(() => {
    document.addEventListener('scroll', look, { capture: true, passive: true }); // of the page and of every box
    window.addEventListener('resize', look);
    window.addEventListener('pagehide', keep);
    return () => {
      document.removeEventListener('scroll', look, { capture: true });
      window.removeEventListener('resize', look);
      window.removeEventListener('pagehide', keep);
    };
  }, [look]);
  useLayoutEffect(look, [keys, look]);
  const part = useMemo<Part>(() => {
    if (keys.length <= SHORT) return { start: 0, end: keys.length, before: 0, after: 0 };
    const usual = average(heights.current) ?? estimate;
    return partOf(keys.map((key) => heights.current.get(key) ?? usual), view.top, view.height, MARGIN);
  }, [keys, estimate, view, measured]);
  return { ...part, item };
}

function heightsOf(name: string | undefined): Heights {
  if (name === undefined) return new Map();
  const heights = remembered.get(name) ?? new Map<string, number>();
  remembered.delete(name);
  remembered.set(name, heights); // the last one
  return heights;
}

const FEW = 5; // heights, whose average says nothing

function average(heights: Heights): number | undefined {
  let sum = 0;
  for (const height of heights.values()) sum += height;
  return heights.size > FEW ? sum / heights.size : undefined;
}

// viewOf returns the visible part of a list, in steps, so that small movements change nothing.
function viewOf(list: HTMLElement | null, box: HTMLElement | null | undefined) {
  if (!list) return null;
  const { top: boxTop = 0, bottom = window.innerHeight } = box?.getBoundingClientRect() ?? {};
  const top = Math.max(boxTop, 0);
  const height = Math.max(0, Math.min(bottom, window.innerHeight) - top);
  return {
    top: Math.floor((top - list.getBoundingClientRect().top) / STEP) * STEP,
    height: Math.ceil(height / STEP) * STEP + STEP,
  };
}

// useMeasure returns a ref that records the heights of items, and counts the changes.
function useMeasure(heights: RefObject<Heights>, changed: (count: (n: number) => number) => void): Item {
  const observer = useRef<ResizeObserver>(undefined);
  return useCallback((element) => {
    if (!element) return undefined;
    observer.current ??= new ResizeObserver((entries) => {
      let different = false;
      for (const { target } of entries) {
        const { key } = (target as HTMLElement).dataset;
        const { height } = target.getBoundingClientRect();
        if (!key || !target.isConnected || heights.current.get(key) === height) continue;
        heights.current.set(key, height);
        different = true;
      }
      if (different) changed((n) => n + 1);
    });
    const watching = observer.current;
    watching.observe(element);
    return () => watching.unobserve(element);
  }, [heights, changed]);
}
