import { NeedsLogin } from '../../ui/NeedsLogin.tsx';
import { Page } from '../../ui/Page.tsx';
import { Ward } from './Ward.tsx';

const sql = [
  "INSERT INTO patients (first_name, last_name, admission_date) VALUES ('Ines', 'Duarte', now());",
  "UPDATE patients SET first_name = 'Anna', dismissal_date = now() WHERE last_name = 'Ek';",
  "DELETE FROM patients WHERE last_name = 'Duarte';",
];

// Patients is the list of a ward. Every logged-in user may change it.
export default function Patients() {
  return (
    <Page title="Patients" intro="The patients of a ward. Every logged-in user can admit, edit and discharge patients; a row lights up when someone changes it." sql={sql}>
      <NeedsLogin what="patients"><Ward /></NeedsLogin>
    </Page>
  );
}
