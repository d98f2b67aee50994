import { Suspense, useEffect, useRef } from 'react';
import { Route, Switch, useLocation, useSearch } from 'wouter';
import { useUser } from '../data/user.tsx';
import styles from './App.module.css';
import { Broken } from './Broken.tsx';
import { Header } from './Header.tsx';
import { Loading } from './Loading.tsx';
import { Missing } from './Missing.tsx';
import { News } from './News.tsx';
import { prepareAll, routes } from './pages.ts';
import { useScrollMemory } from './scroll.ts';

// App is the frame of all pages.
export function App() {
  const [address] = useLocation();
  const search = useSearch();
  const { user } = useUser();
  const main = useRef<HTMLElement>(null);
  useScrollMemory(address, search, main);
  const staff = user?.is_staff ?? false;
  useEffect(() => prepareAll(staff), [staff]);
  return (
    <>
      <a href="#main" className={styles.skip} onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>Skip to content</a>
      <Header />
      <News />
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        <Broken key={address.split('/')[1]}>
          <Suspense fallback={<Loading />}>
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
