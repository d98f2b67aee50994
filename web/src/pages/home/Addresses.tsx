import { CopyLine } from '../../ui/CopyLine.tsx';
import { Panel } from '../../ui/Panel.tsx';
import styles from './Home.module.css';

// Addresses are for those who want the events in pages and programs of their own.
export function Addresses() {
  const sockets = location.origin.replace(/^http/, 'ws');
  return (
    <Panel title="Use it from your own pages">
      <dl className={styles.addresses}>
        <div><dt>{sockets}/v1/ws</dt><dd>Many topics on one WebSocket, with snapshots and cursors. The npm package rowcall speaks it.</dd></div>
        <div><dt>{location.origin}/v1/sse?topic=dams</dt><dd>Server-sent events, for EventSource and curl.</dd></div>
        <div><dt>{location.origin}/v1/events?topic=dams</dt><dd>Events over plain HTTP, for programs that ask from time to time.</dd></div>
        <div><dt>{location.origin}/api/dams</dt><dd>Tables over REST. Row-level security decides who sees and writes what.</dd></div>
      </dl>
      <div className={styles.statement}>
        <p>Dams are public, so this works at once:</p>
        <CopyLine text={`curl -N '${location.origin}/v1/sse?topic=dams'`} label="curl follows the dams" />
      </div>
      <p className={styles.hint}>The source has the documentation: docs/protocol.md for all of this, docs/guarantees.md for what is promised and which test holds it.</p>
    </Panel>
  );
}
