import type { ReactNode } from 'react';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { Confirm } from '../../ui/Dialog.tsx';

export interface Guard {
  question: ReactNode; // the dialog: render it in the page
  leave: (to: string) => void; // goes to another page without asking
}

const here = () => location.pathname + location.search;

// useGuard asks before the user leaves a page with unsaved changes: by a link, by going back or by closing the tab.
//
// A page cannot keep the browser from going back. So it adds a second entry for itself to the history as soon as there are
// unsaved changes: going back then leads to the first entry, which is the same page.
export function useGuard(unsaved: boolean): Guard {
  const [, go] = useLocation();
  const [leaving, setLeaving] = useState<{ by: () => void } | null>(null);
  const latest = useRef({ unsaved, go });
  const doubled = useRef(false); // the history has two entries for this page
  useEffect(() => { latest.current = { unsaved, go }; });
  const leave = (to: string) => latest.current.go(to, { replace: doubled.current });

  useEffect(() => {
    const page = here();
    const back = () => {
      if (!doubled.current || here() !== page) return;
      doubled.current = latest.current.unsaved;
      if (!doubled.current) return history.back();
      history.pushState(null, '', page);
      setLeaving({ by: () => history.go(-2) });
    };
    addEventListener('popstate', back);
    return () => removeEventListener('popstate', back);
  }, []);

  useEffect(() => {
    if (!unsaved) return;
    const page = here();
    if (!doubled.current) history.pushState(null, '', page);
    doubled.current = true;
    const closing = (e: BeforeUnloadEvent) => e.preventDefault();
    const pressed = (e: MouseEvent) => {
      const to = linkPressed(e);
      if (to === null || to === page) return;
      e.preventDefault();
      e.stopPropagation();
      setLeaving({ by: () => latest.current.go(to, { replace: true }) });
    };
    addEventListener('beforeunload', closing);
    document.addEventListener('click', pressed, { capture: true });
    return () => {
      removeEventListener('beforeunload', closing);
      document.removeEventListener('click', pressed, { capture: true });
    };
  }, [unsaved]);

  const confirmed = () => {
    setLeaving(null);
    leaving?.by();
  };
  const question = (
    <Confirm open={leaving !== null} title="Leave without saving?" action="Leave" danger onConfirm={confirmed} onClose={() => setLeaving(null)}>
      <p>Your changes on this page have not been saved.</p>
    </Confirm>
  );
  return { question, leave };
}

// linkPressed returns the address of a clicked link to another page of the application; null for any other click.
function linkPressed(e: MouseEvent): string | null {
  if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return null;
  const link = (e.target as Element).closest?.('a[href]');
  if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.target || link.hasAttribute('download')) return null;
  return link.pathname + link.search;
}
