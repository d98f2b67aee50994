import { useUser } from '../data/user.tsx';
import { CopyLine } from './CopyLine.tsx';
import { quote } from './quote.ts';

// PsqlLine shows a statement, and copies it as a line for a shell where the server says how its
// database is opened, as the demo does.
export function PsqlLine({ sql, label = 'a statement for psql' }: { sql: string; label?: string }) {
  const { demo } = useUser();
  const line = demo?.psql ? `${demo.psql} -c ${quote(sql)}` : sql;
  return <CopyLine text={sql} copies={line} label={label} />;
}
