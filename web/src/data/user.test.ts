import { expect, test } from 'vitest';
import { afterAnswer, type Session } from './user.tsx';

const nobody: Session = { user: null, apps: true };
const alice: Session = { user: { id: '1', username: 'alice', is_staff: false }, apps: true };

test('a login that the server does not know any more has ended, until the next login', () => {
  expect(afterAnswer(null, nobody).ended).toBe(false);
  const ended = afterAnswer(alice, nobody);
  expect(ended.ended).toBe(true);
  expect(afterAnswer(ended, nobody)).toBe(ended);
  expect(afterAnswer(ended, alice).ended).toBe(false);
});

test('a logout on this page is not an ended login', () => {
  expect(afterAnswer({ ...nobody, ended: false }, nobody).ended).toBe(false);
});

test('the same answer changes nothing', () => {
  const known = afterAnswer(null, alice);
  expect(afterAnswer(known, alice)).toBe(known);
});
