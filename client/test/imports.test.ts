import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const source = new URL('../src/', import.meta.url)
const imports = new Map(
  readdirSync(source).map((file) => {
    const text = readFileSync(new URL(file, source), 'utf8')
    return [file, [...text.matchAll(/from '\.\/(\w+)\.js'/g)].map(([, name]) => `${name}.ts`)]
  }),
)

/** Returns a path of imports that leads from a file back to itself, if there is one. */
function circle(file: string, path: string[] = []): string[] | undefined {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
  for (const next of imports.get(file) ?? []) {
    const found = circle(next, [...path, file])
    if (found) return found
  }
  return undefined
}

test('no file imports itself through others, not even for types', () => {
  expect(imports.size).toBeGreaterThan(10)
  for (const file of imports.keys()) expect(circle(file), file).toBeUndefined()
})
