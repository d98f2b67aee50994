/**
 * Writes a topic: topic`tags/${name}`. Values are percent-encoded, so that each is one part of the topic, whatever it
 * contains.
 */
export function topic(parts: TemplateStringsArray, ...values: (string | number | bigint | boolean)[]): string {
  return String.raw(parts, ...values.map(segment))
}

const segment = (value: unknown) =>
  encodeURIComponent(value as string).replaceAll('%3A', ':').replace(/^\.\.?$/, (dots) => '%2E'.repeat(dots.length))
