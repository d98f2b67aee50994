// classes joins the names of CSS classes, without empty and false values.
export function classes(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
