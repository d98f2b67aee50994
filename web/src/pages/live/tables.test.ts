import { expect, test } from 'vitest';
import { firstTopic, topicOf } from './tables.ts';

test('topics get the values of their parameters', () => {
  const topic = { topic: 'shops/{shop_id}/orders/{day}', parameters: ['shop_id', 'day'] };
  expect(topicOf(topic, { shop_id: 'a b/c', day: '2026-11-20' })).toBe('shops/a%20b%2Fc/orders/2026-11-20');
  expect(topicOf(topic, { shop_id: '7' })).toBeNull();
  expect(topicOf({ topic: 'orders', parameters: [] }, {})).toBe('orders');
});

test('the first topic is one of all rows', () => {
  const lower = { topic: 'orders/{id}', parameters: ['id'] };
  const upper = { topic: 'orders', parameters: [] };
  const table = { table: 'public.orders', name: 'orders', live: true, key: ['id'], columns: [] };
  expect(firstTopic({ ...table, topics: [lower, upper] })).toBe(upper);
  expect(firstTopic({ ...table, topics: [lower] })).toBe(lower);
  expect(firstTopic({ ...table, topics: [] })).toBeUndefined();
});
