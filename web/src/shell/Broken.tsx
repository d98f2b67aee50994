import type { ReactNode } from 'react';
import { Component } from 'react';
import { Button } from '../ui/Button.tsx';
import { Page } from '../ui/Page.tsx';
import { Outdated } from './load.ts';

// Broken is shown in place of a page that has thrown an error: because of a defect, or because the server was updated and
// does not have the files of this page any more. It reloads the page once in the second case.
export class Broken extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: unknown) {
    if (error instanceof Outdated && firstReload()) location.reload();
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const outdated = (error as unknown) instanceof Outdated;
    return (
      <Page
        title={outdated ? 'This page is out of date' : 'This page has stopped'}
        intro={outdated ? 'The server has been updated. Reload the page to get the new version.' : 'An error occurred on this page. Saved data is not affected.'}
      >
        <p><Button variant="primary" onClick={() => location.reload()}>Reload the page</Button></p>
      </Page>
    );
  }
}

const KEY = 'rowcall.reloaded';
const RECENTLY = 60_000; // milliseconds

// firstReload returns whether this page was not reloaded recently for the same reason.
function firstReload(): boolean {
  try {
    const before = Number(sessionStorage.getItem(KEY));
    sessionStorage.setItem(KEY, String(Date.now()));
    return Date.now() - before > RECENTLY;
  } catch {
    return false; // without storage, the user decides
  }
}
