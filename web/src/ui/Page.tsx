import type { ReactNode } from 'react';
import { useEffect } from 'react';
import styles from './Page.module.css';
import { PsqlLine } from './PsqlLine.tsx';

export interface PageProps {
  title: string;
  intro: ReactNode; // one sentence about the page
  actions?: ReactNode; // to the right of the title
  sql?: string | readonly string[]; // statements that change this page
  children: ReactNode;
}

// Page is the layout of all pages: the title, which is also the title of the browser's tab, a sentence, the content, and
// statements for psql.
export function Page({ title, intro, actions, sql, children }: PageProps) {
  useTitle(title);
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <div className={styles.words}>
          <h1>{title}</h1>
          <p className={styles.intro}>{intro}</p>
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
      {sql && sql.length > 0 && (
        <div className={styles.try}>
          <p>Run this in a terminal and watch this page change:</p>
          {[sql].flat().map((line) => <PsqlLine key={line} sql={line} />)}
        </div>
      )}
    </div>
  );
}

export function useTitle(title: string) {
  useEffect(() => {
    document.title = title === 'Rowcall' ? title : `${title} · Rowcall`;
  }, [title]);
}
