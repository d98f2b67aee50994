// quote quotes a text as one word for a POSIX shell. A text with an exclamation mark gets single quotes, because a shell's
// prompt gives that sign a meaning between double quotes.
export function quote(text: string): string {
  if (text.includes('!')) return `'${text.replaceAll("'", "'\\''")}'`;
  return `"${text.replace(/[\\"$`]/g, '\\$&')}"`;
}

// ended returns a statement with a semicolon at its end, which psql needs.
export const ended = (sql: string): string => (sql.trimEnd().endsWith(';') ? sql : `${sql};`);
