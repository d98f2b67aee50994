// quote makes one word of a text, as a POSIX shell reads it. At a prompt an exclamation mark between
// double quotes would mean something.
export function quote(text: string): string {
  if (text.includes('!')) return `'${text.replaceAll("'", "'\\''")}'`;
  return `"${text.replace(/[\\"$`]/g, '\\$&')}"`;
}

// ended is a statement with the semicolon without which psql waits for more of it.
export const ended = (sql: string): string => (sql.trimEnd().endsWith(';') ? sql : `${sql};`);
