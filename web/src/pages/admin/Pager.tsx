import { Button } from '../../ui/Button.tsx';
import type { Listing } from '../../data/rows.ts';
import type { Row } from './describe.ts';
import styles from './Pager.module.css';
import { lastPage, PAGE } from './query.ts';

// Pager shows which rows of the list are on this page, and leads to the other pages.
export function Pager({ listing, goTo }: { listing: Listing<Row>; goTo: (page: number) => void }) {
  const { offset, total, rows } = listing;
  const page = Math.floor(offset / PAGE) + 1;
  const last = lastPage(total);
  return (
    <nav aria-label="Pages of the list" className={styles.pager}>
      <p className={styles.part} role="status">
        {total === 0 ? 'No rows' : `${(offset + 1).toLocaleString()}–${(offset + rows.length).toLocaleString()} of ${total.toLocaleString()}`}
      </p>
      {last > 1 && (
        <div className={styles.steps}>
          <Button small disabled={page <= 1} onClick={() => goTo(page - 1)}>Previous</Button>
          <Button small disabled={page >= last} onClick={() => goTo(page + 1)}>Next</Button>
        </div>
      )}
    </nav>
  );
}
