import { ButtonLink } from '../ui/Button.tsx';
import { Page } from '../ui/Page.tsx';

export function Missing() {
  return (
    <Page title="There is no such page" intro="The address may be misspelt, or the page may be gone.">
      <p><ButtonLink to="/" variant="primary">Go to the first page</ButtonLink></p>
    </Page>
  );
}
