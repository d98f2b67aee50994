import { Suspense, useEffect, useRef } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { Spinner } from '../ui/Spinner.tsx';
import styles from './App.module.css';
import { Broken } from './Broken.tsx';
import { Header } from './Header.tsx';
import { Missing } from './Missing.tsx';
import { News } from './News.tsx';
import { routes } from './pages.ts';

// App is the frame around every page.
export function App() {
  const [address] = useLocation();
  const main = useRef<HTMLElement>(null);
  useArrival(address, main);
  return (
    <>
      <a href="#main" className={styles.skip} onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>Skip to content</a>
      <Header />
      <News />
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        <Broken key={address.split('/')[1]}>
          <Suspense fallback={<Spinner />}>
            <Switch>
              {routes.map(({ path, page }) => <Route key={path} path={path} component={page} />)}
              <Route component={Missing} />
            </Switch>
          </Suspense>
        </Broken>
      </main>
    </>
  );
}

// useArrival brings the reader, and the focus, to the top of a page they have gone to.
function useArrival(address: string, main: React.RefObject<HTMLElement | null>) {
  const before = useRef(address);
  useEffect(() => {
    if (before.current === address) return;
    before.current = address;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [address, main]);
}
