import { type RefObject, useEffect } from 'react';

// useFocusWithin moves the focus to an element when it appears, and back when it disappears.
export function useFocusWithin(element: RefObject<HTMLElement | null>, about: unknown) {
  useEffect(() => {
    const before = document.activeElement;
    element.current?.focus({ preventScroll: true });
    return () => {
      const lost = document.activeElement === null || document.activeElement === document.body;
      if (lost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [element, about]);
}
