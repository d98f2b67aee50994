import type { ReactNode } from 'react';
import { Component } from 'react';
import { Button } from '../ui/Button.tsx';
import { Page } from '../ui/Page.tsx';

// Broken stands in for a page that has thrown: by a defect, or because its files could not be
// fetched, as happens after the server was brought up to date.
export class Broken extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <Page title="This page has stopped" intro="It may be an old copy of a page that the server has renewed since, or a defect. Nothing that was saved is lost.">
        <p><Button variant="primary" onClick={() => location.reload()}>Load it again</Button></p>
      </Page>
    );
  }
}
