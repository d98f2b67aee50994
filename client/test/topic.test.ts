import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { topic } from '../src/index.js'
import { connect, openClient } from './open_client.js'

const segments: [string, string][] = JSON.parse(readFileSync(new URL('../../notifier/topic/testdata/segments.json', import.meta.url), 'utf8'))

test('values in a topic are written as the server writes them', () => {
  expect(segments.length).toBeGreaterThan(100)
  for (const [text, part] of segments) expect(topic`a/${text}/b`).toBe(`a/${part}/b`)
  expect(topic`orders/${7}/${9007199254740993n}/${true}`).toBe('orders/7/9007199254740993/true')
  expect(topic`dams`).toBe('dams')
})

test('a topic with percent-encoded values is followed', () => {
  const { server, follow } = openClient()
  const name = topic`tags/${"it's 100% é"}`
  const { received } = follow(name)
  expect(connect(server).sent[0]).toMatchObject({ op: 'subscribe', topic: name })
  expect(received).toEqual(['live'])
})
