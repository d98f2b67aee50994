// Two people edit the same row: what to do when it changes under a form that is being filled in.

type Row = Record<string, unknown>;

export interface Merged {
  base: Row; // what the form is compared with from now on: the row as it is there
  draft: Row; // what the form shows from now on
  followed: string[]; // fields that have changed there and were not touched here: the form shows theirs now
  conflicts: string[]; // fields that differ there from what has been entered here: the person decides
}

// merge brings together a form and the row as it is now. base is the row that the form began with,
// draft what has been entered. What only one side has changed is kept; where both have, and not
// to the same, the draft keeps its own and the field is named.
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

// changed are the fields of the draft that are to be saved.
export function changed(base: Row, draft: Row): Row {
  return Object.fromEntries(Object.entries(draft).filter(([field, value]) => !equal(value, base[field])));
}

// equal compares values as rows have them.
export function equal(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b);
}
