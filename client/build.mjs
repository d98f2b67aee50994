// Builds dist: one file for each entry, and their types. It fails if the code is larger than the limit.
import { build } from 'esbuild'
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const limit = 6000 // bytes of both entries in one file, gzipped

const settings = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  external: ['react'],
  logLevel: 'warning',
  // Internal properties: the build shortens their names.
  mangleProps: /^(awaiting|caughtUp|clearRefusals|cohort|cohorts|delayed|follow|followers|held|leave|nothingLeft|onChange|onFailed|onLost|onOpen|onStopped|receive|receiving|refusal|rest|restart|retryTimer|seen|start|turn)$/,
}

rmSync('dist', { recursive: true, force: true })
await build({ ...settings, entryPoints: ['src/index.ts', 'src/react.ts'], outdir: 'dist', sourcemap: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' })

const together = "export * from './src/index.ts'; export * from './src/react.ts'"
const { outputFiles } = await build({ ...settings, stdin: { contents: together, resolveDir: '.' }, write: false })
const size = gzipSync(outputFiles[0].contents, { level: 9 }).length
console.log(`dist: ${size} bytes gzipped, of ${limit}`)
if (size >= limit) process.exit(1)
