// Merging of concurrent edits: another user changes the row of an open form.

type Row = Record<string, unknown>;

export interface Merged {
  base: Row; // the present row, with which the form is compared from now on
  draft: Row; // the new values of the form
  followed: string[]; // fields that only the other user has changed: the form takes their values
  conflicts: string[]; // fields that both have changed differently: the user decides
}

// merge merges the values of a form with the present row. base is the row with which the form started. A field that only one
// side has changed takes that value. If both have changed it differently, the form keeps its value, and the field is a
// conflict.
export function merge(base: Row, draft: Row, theirs: Row): Merged {
  const next: Row = { ...draft };
  const followed: string[] = [];
  const conflicts: string[] = [];
  for (const field of Object.keys(draft)) {
    if (!(field in theirs) || equal(theirs[field], base[field])) continue;
    if (equal(draft[field], base[field])) {
      next[field] = theirs[field];
      followed.push(field);
    } else if (!equal(draft[field], theirs[field])) {
      conflicts.push(field);
    }
  }
  return { base: theirs, draft: next, followed, conflicts };
}

// changed returns the fields of a draft that differ from the row.
export function changed(base: Row, draft: Row): Row {
  return Object.fromEntries(Object.entries(draft).filter(([field, value]) => !equal(value, base[field])));
}

// equal compares two values of rows.
export function equal(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b);
}
