// The content policy requires trusted types: text that would become markup has to pass a policy, which is defined here. React
// and the pages create no markup from text. Leaflet creates one piece, which is listed. All other text is escaped.

const MARKUP: ReadonlySet<string> = new Set([
  '<svg/>', // Leaflet checks with it whether the browser supports SVG
]);

interface Factory {
  createPolicy(name: string, rules: { createHTML: (text: string) => string }): unknown;
}

export function trustNothing(scope: { trustedTypes?: Factory } = window as { trustedTypes?: Factory }) {
  scope.trustedTypes?.createPolicy('default', { createHTML: asText });
}

// asText returns listed markup unchanged, and escapes all other text.
export function asText(markup: string): string {
  return MARKUP.has(markup) ? markup : markup.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
