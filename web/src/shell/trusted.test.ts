import { expect, test } from 'vitest';
import { asText, trustNothing } from './trusted.ts';

test('markup that is not listed is escaped', () => {
  expect(asText('<b>x</b>')).toBe('&#60;b&#62;x&#60;/b&#62;');
  expect(asText('<svg/onload=alert(1)>')).not.toContain('<');
  expect(asText('<svg/> ')).not.toContain('<');
  expect(asText('&lt;')).toBe('&#38;lt;');
});

test('listed markup is unchanged', () => {
  expect(asText('<svg/>')).toBe('<svg/>');
});

test('the policy creates markup and nothing else', () => {
  let made: [string, object] | undefined;
  trustNothing({ trustedTypes: { createPolicy: (name, rules) => (made = [name, rules]) } });
  expect(made?.[0]).toBe('default');
  expect(Object.keys(made![1])).toEqual(['createHTML']);
});
