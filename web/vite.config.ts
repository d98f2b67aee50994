import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const sdk = at('../client/src/');
const hooks = existsSync(`${sdk}react.tsx`) ? `${sdk}react.tsx` : `${sdk}react.ts`;

// The address of a node during development of the pages: ROWCALL=http://127.0.0.1:18080 npx vite
const node = process.env.ROWCALL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: [
      { find: /^rowcall$/, replacement: `${sdk}index.ts` },
      { find: /^rowcall\/react$/, replacement: hooks },
      { find: /^rowcall\/json$/, replacement: `${sdk}json.ts` },
    ],
    dedupe: ['react', 'react-dom'], // the npm package has its own copies for its tests
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
    // A file whose preload link fails is not loaded again, so pages could not survive an outage.
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'], testTimeout: 60_000 },
});
