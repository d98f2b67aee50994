import { ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Empty.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';

// Unknown is at addresses of the admin where there is nothing.
export function Unknown() {
  return (
    <Page title="Admin" intro="There is no page at this address.">
      <Panel><Empty title="This resource is not configured" action={<ButtonLink to="/admin" variant="primary">See all resources</ButtonLink>} /></Panel>
    </Page>
  );
}
