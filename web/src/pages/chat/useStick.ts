import type { RefObject } from 'react';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { RESTORED } from '../../shell/scroll.ts';

const NEAR = 60; // pixels from the end that count as the end

// useStick keeps a list scrolled to its end, unless the user has scrolled up: then it counts the new items below. count is
// the number of items; new ones are added at the end.
export function useStick(box: RefObject<HTMLElement | null>, count: number) {
  const atEnd = useRef(true);
  const lastTop = useRef(0);
  const before = useRef(count);
  const [below, setBelow] = useState(0);
  const toEnd = useCallback(() => {
    if (box.current) {
      box.current.scrollTop = box.current.scrollHeight;
      lastTop.current = box.current.scrollTop;
    }
    atEnd.current = true;
    setBelow(0);
  }, [box]);
  useLayoutEffect(() => {
    const added = count - before.current;
    before.current = count;
    if (atEnd.current) toEnd();
    else if (added > 0) setBelow((n) => n + added);
  }, [count, toEnd]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const isNear = () => element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
    const scrolled = () => {
      const { scrollTop } = element;
      const near = isNear();
      if (near) setBelow(0);
      if (near || scrollTop < lastTop.current) atEnd.current = near; // otherwise the list has grown
      lastTop.current = scrollTop;
    };
    const restored = () => { atEnd.current = isNear(); };
    const resized = new ResizeObserver(() => { if (atEnd.current) toEnd(); });
    resized.observe(element);
    if (element.firstElementChild) resized.observe(element.firstElementChild);
    element.addEventListener('scroll', scrolled, { passive: true });
    element.addEventListener(RESTORED, restored);
    return () => {
      resized.disconnect();
      element.removeEventListener(RESTORED, restored);
      element.removeEventListener('scroll', scrolled);
    };
  }, [box, toEnd]);
  return { below, toEnd };
}
