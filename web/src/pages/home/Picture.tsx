import styles from './Picture.module.css';

// Picture shows a row that is written to a table and appears on two of three pages. The third may not see it.
export function Picture() {
  return (
    <svg className={styles.picture} viewBox="0 0 340 200" role="img" aria-label="A row is written to a table. Two of three pages show it at once; the third is not allowed to see it.">
      <g className={styles.table}>
        <rect x="8" y="38" width="112" height="124" rx="10" className={styles.panel} />
        <path d="M8 66h112" className={styles.line} />
        <rect x="22" y="49" width="44" height="7" rx="3.5" className={styles.strong} />
        <rect x="22" y="80" width="84" height="8" rx="4" className={styles.faint} />
        <rect x="22" y="102" width="70" height="8" rx="4" className={styles.faint} />
        <rect x="16" y="119" width="96" height="18" rx="6" className={styles.glow} />
        <rect x="22" y="124" width="78" height="8" rx="4" className={styles.new} />
      </g>
      <path d="M126 128C170 128 176 38 222 38" className={styles.wire} />
      <path d="M126 128C170 128 180 100 222 100" className={styles.wire} />
      <path d="M126 128C170 128 176 162 200 162" className={styles.ended} />
      <path d="M204 157l10 10M214 157l-10 10" className={styles.stop} />
      <Window y={12} shows />
      <Window y={74} shows />
      <Window y={136} />
    </svg>
  );
}

function Window({ y, shows }: { y: number; shows?: boolean }) {
  return (
    <g transform={`translate(226 ${y})`}>
      <rect width="104" height="52" rx="8" className={styles.panel} />
      <circle cx="12" cy="11" r="2.5" className={styles.faint} /><circle cx="20" cy="11" r="2.5" className={styles.faint} /><circle cx="28" cy="11" r="2.5" className={styles.faint} />
      <rect x="12" y="22" width="66" height="6" rx="3" className={styles.faint} />
      {shows ? (
        <>
          <rect x="8" y="33" width="88" height="13" rx="5" className={styles.glow} />
          <rect x="12" y="36.5" width="74" height="6" rx="3" className={styles.new} />
        </>
      ) : <rect x="12" y="36.5" width="48" height="6" rx="3" className={styles.faint} />}
    </g>
  );
}
