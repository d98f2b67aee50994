import { Badge } from '../../ui/Badge.tsx';
import { Panel } from '../../ui/Panel.tsx';
import type { Node } from './console.ts';
import { between, span } from './figures.ts';
import styles from './Unfit.module.css';

// Unfit lists the settings that do not fit the database any more. It renders nothing while all of them fit.
export function Unfit({ node }: { node: Node | null }) {
  if (!node || node.unfit.length === 0) return null;
  return (
    <Panel title="Settings that do not fit the database" actions={<Badge tone="bad">{node.unfit.length.toLocaleString()}</Badge>}>
      <p className={styles.says}>The database was changed. Requests that need these settings are refused; everything else is served.</p>
      <ul className={styles.list} role="status">
        {node.unfit.map(({ setting, name, reason, since }) => (
          <li key={setting}>
            <p><code>{setting}</code> <span className={styles.name}>{name}</span></p>
            <p className={styles.says}>{reason} (for {span(between(since, node.at))})</p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
