import { useUser } from '../data/user.tsx';
import { CopyLine } from './CopyLine.tsx';
import { ended, quote } from './quote.ts';

// PsqlLine shows a statement, and copies it as a line for a shell where the server says how its
// database is opened, as the demo does.
export function PsqlLine({ sql, label = 'a statement for psql' }: { sql: string; label?: string }) {
  const { demo } = useUser();
  const statement = ended(sql);
  const line = demo?.psql ? `${demo.psql} -c ${quote(statement)}` : statement;
  return <CopyLine text={statement} copies={line} label={label} />;
}
