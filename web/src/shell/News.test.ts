import type { RowcallEvent } from 'rowcall';
import { expect, test } from 'vitest';
import { requestKey, updateRequest } from './News.tsx';

const event = (type: string, data: unknown): RowcallEvent => ({ topic: 'user/4', id: '1', type, data, time: '' });

test('the toast about a request is withdrawn when the request is answered or deleted', () => {
  const calls: string[] = [];
  const toast = { withdraw: (key: string) => void calls.push(`withdraw ${key}`), permit: (key: string) => void calls.push(`permit ${key}`) };
  for (const [type, data] of [
    ['did_alter_join_request', { id: '31', action: 'create' }],
    ['did_alter_join_request', { id: '31', action: 'admit' }],
    ['join_request_updated', { id: '31', status: 'pending' }],
    ['did_alter_join_request', { id: '31', action: 'deny' }],
    ['join_request_deleted', { id: '32' }],
    ['room_joined', { room_id: 1 }],
  ] as const) updateRequest(toast, event(type, data));
  expect(calls).toEqual(['permit request-31', 'withdraw request-31', 'permit request-31', 'withdraw request-31', 'withdraw request-32']);
  expect(requestKey('31')).toBe('request-31');
});
