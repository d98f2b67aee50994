import { expect, test } from 'vitest';
import { findCode } from './code.ts';

test('a code is found in an address of rowcall watch alone', () => {
  expect(findCode('#code=ADNV2I5IFB5SOCD23YSYPEVGYJ')).toBe('ADNV2I5IFB5SOCD23YSYPEVGYJ');
  for (const hash of ['', '#', '#main', '#code=', '#code=<b>', '#code=A&x=1', '#other=A']) expect(findCode(hash)).toBeUndefined();
});
