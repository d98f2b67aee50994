// The content policy requires trusted types: a text that would become markup has to pass through
// here. React and our own code make none. Leaflet makes one piece, which is listed, and
// whatever else arrives is shown as the text it is.

const MARKUP: ReadonlySet<string> = new Set([
  '<svg/>', // Leaflet asks whether the browser draws SVG; its buttons and its popup's cross are not used
]);

interface Factory {
  createPolicy(name: string, rules: { createHTML: (text: string) => string }): unknown;
}

export function trustNothing(scope: { trustedTypes?: Factory } = window as { trustedTypes?: Factory }) {
  scope.trustedTypes?.createPolicy('default', { createHTML: asText });
}

// asText leaves the listed markup alone and takes the meaning from all other.
export function asText(markup: string): string {
  return MARKUP.has(markup) ? markup : markup.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
