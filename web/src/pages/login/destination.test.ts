import { expect, test, vi } from 'vitest';
import { destination } from './destination.ts';

vi.stubGlobal('location', { origin: 'https://here.example' });

test('a login leads back to a page of this site', () => {
  expect(destination('/chat/1?x=1')).toBe('/chat/1?x=1');
});

test('a login does not lead to other sites', () => {
  for (const there of [null, '', 'chat', 'https://evil.example/', '//evil.example/', '/\\evil.example', '/\t/evil.example', '/login?to=/chat', 'javascript:alert(1)']) {
    expect(destination(there)).toBe('/');
  }
});
