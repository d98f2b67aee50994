import { expect, test } from 'vitest';
import { ended, quote } from './quote.ts';

test('a statement is quoted as one word for a shell', () => {
  expect(quote("VALUES ('a')")).toBe(`"VALUES ('a')"`);
  expect(quote('$HOME `id` "x" \\')).toBe('"\\$HOME \\`id\\` \\"x\\" \\\\"');
  expect(quote("VALUES ('Hi!')")).toBe("'VALUES ('\\''Hi!'\\'')'");
});

test('a statement has one semicolon at its end', () => {
  expect(ended('DELETE FROM dams')).toBe('DELETE FROM dams;');
  expect(ended('DELETE FROM dams;')).toBe('DELETE FROM dams;');
});
