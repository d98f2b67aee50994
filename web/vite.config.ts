import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const sdk = at('../client/src/');
const hooks = existsSync(`${sdk}react.tsx`) ? `${sdk}react.tsx` : `${sdk}react.ts`;

// Where a node serves while pages are developed: ROWCALL=http://127.0.0.1:18080 npx vite
const node = process.env.ROWCALL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: [
      { find: /^rowcall$/, replacement: `${sdk}index.ts` },
      { find: /^rowcall\/react$/, replacement: hooks },
      { find: /^rowcall\/json$/, replacement: `${sdk}json.ts` },
    ],
    dedupe: ['react', 'react-dom'], // the SDK brings its own for its tests
  },
  server: {
    fs: { allow: [at('.'), at('../client')] },
    proxy: Object.fromEntries(
      ['/api', '/v1', '/ws', '/dam-inventory', '/apps', '/healthz', '/readyz'].map((path) => [path, { target: node, ws: true }]),
    ),
  },
  build: {
    target: 'es2023',
    assetsInlineLimit: 0, // the content policy forbids data: addresses
    modulePreload: false, // a file that could not be preloaded would not be loaded again
    cssCodeSplit: false, // nor would a style sheet: one for all pages is loaded with the first page
    reportCompressedSize: false,
  },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'], testTimeout: 60_000 },
});
