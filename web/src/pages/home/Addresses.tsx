import { CopyLine } from '../../ui/CopyLine.tsx';
import { Panel } from '../../ui/Panel.tsx';
import styles from './Home.module.css';

// Addresses lists the interfaces for other pages and programs.
export function Addresses() {
  const sockets = location.origin.replace(/^http/, 'ws');
  return (
    <Panel title="Use it from your own pages">
      <dl className={styles.addresses}>
        <div><dt>{sockets}/v1/ws</dt><dd>Many topics on one WebSocket, with snapshots and cursors. The npm package rowcall uses it.</dd></div>
        <div><dt>{location.origin}/v1/sse?topic=dams</dt><dd>Server-sent events, for EventSource and curl.</dd></div>
        <div><dt>{location.origin}/v1/events?topic=dams</dt><dd>Events over plain HTTP, for programs that poll.</dd></div>
        <div><dt>{location.origin}/api/dams</dt><dd>Tables over REST. Row-level security decides which rows a user may read and write.</dd></div>
      </dl>
      <div className={styles.statement}>
        <p>Dams are public, so this works without a login:</p>
        <CopyLine text={`curl -N '${location.origin}/v1/sse?topic=dams'`} label="curl follows the dams" />
      </div>
      <p className={styles.hint}>Documentation is in the source: docs/protocol.md describes these interfaces, docs/guarantees.md lists the guarantees and their tests.</p>
    </Panel>
  );
}
