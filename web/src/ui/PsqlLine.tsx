import { useUser } from '../data/user.tsx';
import { CopyLine } from './CopyLine.tsx';
import { ended, quote } from './quote.ts';

// PsqlLine shows a statement. If the server says how to open its database, as a demo does, the button copies a whole shell
// command.
export function PsqlLine({ sql, label = 'a statement for psql' }: { sql: string; label?: string }) {
  const { demo } = useUser();
  const statement = ended(sql);
  const line = demo?.psql ? `${demo.psql} -c ${quote(statement)}` : statement;
  return <CopyLine text={statement} copies={line} label={label} />;
}
