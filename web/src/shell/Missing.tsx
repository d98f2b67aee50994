import { ButtonLink } from '../ui/Button.tsx';
import { Page } from '../ui/Page.tsx';

// Missing is shown at an unknown address.
export function Missing() {
  return (
    <Page title="Page not found" intro="The address may be wrong, or the page may have been removed.">
      <p><ButtonLink to="/" variant="primary">Go to the home page</ButtonLink></p>
    </Page>
  );
}
