import { ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';

// Unknown is shown at an unknown address of the admin.
export function Unknown() {
  return (
    <Page title="Admin" intro="There is no page at this address.">
      <Panel><Empty title="This resource is not configured" action={<ButtonLink to="/admin" variant="primary">See all resources</ButtonLink>} /></Panel>
    </Page>
  );
}
