import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { reconnected, connect, openClient, subscribes } from './open_client.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const frames = new URL('../../api/testdata/frames/', import.meta.url)
const golden = (name: string) => readFileSync(new URL(`native-${name}.json`, frames), 'utf8').trim()

test('the client understands the golden frames of the server', async () => {
  const known = readdirSync(frames).filter((name) => name.startsWith('native-'))
  expect(known).toHaveLength(20)
  const { server, client, follow } = openClient()
  const { received, events, subscription } = follow('room/42')
  const { received: below, events: patients } = follow('patients')
  const { received: orders } = follow('orders/7')
  const room = client.live({ topic: 'room/42' })
  const socket = server.last()
  socket.readyState = 1
  socket.deliver(golden('welcome'))
  socket.deliver(golden('subscribed'))
  socket.deliver({ op: 'subscribed', topic: 'patients', cursor: 'p' })
  socket.deliver({ op: 'subscribed', topic: 'orders/7', cursor: 'o' })
  socket.deliver(golden('event-enter'))
  socket.deliver(golden('event-leave'))
  socket.deliver(golden('error-filter'))
  expect(orders).toEqual(['live', '8815', '8814', 'stopped', 'error bad_request'])
  expect(JSON.parse(golden('subscribed-filter'))).toMatchObject({ op: 'subscribed', recovered: false, reason: 'filter' })
  socket.deliver(golden('event'))
  socket.deliver(golden('event-followed'))
  expect(events[0]).toMatchObject({ topic: 'room/42', id: '8812', type: 'chat_message_created', data: { message: 'Hello world!' } })
  expect(subscription.cursor).toBe('00c0ffee00c0ffee.2df.3.1')
  expect(patients[0]).toMatchObject({ topic: 'patients/12', data: { action: 'delete' } })
  socket.deliver(golden('heartbeat-busy'))
  socket.deliver(golden('heartbeat'))
  socket.deliver(golden('pong'))
  socket.deliver(golden('error-malformed'))
  socket.deliver(golden('reset'))
  expect(received).toEqual(['live', '8812', 'reset overflow'])
  room.subscribe(() => {})
  expect(socket.sent.at(-1)).toEqual({ op: 'subscribe', topic: 'room/42', snapshot: true })
  socket.deliver(golden('subscribed-snapshot'))
  expect(room.getSnapshot()).toMatchObject({ status: 'live', state: [{ id: 1, message: '<b>Grüße</b> & "more"' }] })
  socket.deliver(golden('subscribed-replays'))
  socket.deliver(golden('subscribed-reset'))
  socket.deliver(golden('error-retryable'))
  expect(received.at(-1)).toBe('error unavailable')
  socket.deliver(golden('error'))
  expect(received.slice(-2)).toEqual(['stopped', 'error forbidden'])
  socket.deliver(golden('unsubscribed'))
  expect(below).toEqual(['live', '8813'])
})

describe('following', () => {
  test('after a cut the client resumes from the last cursor, and no event comes twice', async () => {
    const { server, follow, commit } = openClient()
    server.bare = ({ id }) => id !== '1'
    const { received } = follow('room/1')
    const socket = connect(server)
    for (let i = 0; i < 3; i++) commit('room/1')
    socket.run()
    socket.cut()
    commit('room/1')
    await reconnected(server)
    expect(received).toEqual(['live', '1', '2', '3', 'pending', 'live', '4'])
  })

  test('an expired cursor causes a reset, and events go on', async () => {
    const { server, follow, commit } = openClient()
    const { received } = follow('room/1')
    const socket = connect(server)
    commit('room/1')
    socket.run()
    socket.cut()
    server.crash()
    const after = await reconnected(server)
    server.commit({ id: '1', topic: 'room/1', type: 'said', data: {} }) // the same id in another history of the log
    after.run()
    expect(received).toEqual(['live', '1', 'pending', 'reset epoch', 'live', '1'])
  })

  test('a reset is reported in order with the events', () => {
    const { server, follow, commit } = openClient()
    const { received, subscription } = follow('room/1')
    const socket = connect(server)
    socket.deliver({ op: 'reset', topic: 'room/1', reason: 'overflow', cursor: 'c9' })
    expect(subscription.cursor).toBe('c9')
    commit('room/1')
    socket.run()
    expect(received).toEqual(['live', 'reset overflow', '1'])
  })

  test('the cursor of a heartbeat applies to answered topics, not to requested ones', async () => {
    const { server, follow } = openClient()
    const { subscription: a } = follow('a')
    const socket = connect(server)
    const { subscription: b } = follow('b', { since: 'mine' })
    socket.deliver({ op: 'heartbeat', cursor: 'h' })
    expect([a.cursor, b.cursor]).toEqual(['h', 'mine'])
  })

  test('a thousand followers of a topic are one subscription', () => {
    const { server, client, commit } = openClient()
    let received = 0
    const all = Array.from({ length: 1000 }, () => client.subscribe('room/1', () => void received++))
    const socket = connect(server)
    expect(socket.sent).toHaveLength(1)
    commit('room/1')
    socket.run()
    expect(received).toBe(1000)
    for (const subscription of all.slice(1)) subscription.unsubscribe()
    commit('room/1')
    socket.run()
    expect(received).toBe(1001)
    expect(socket.sent).toHaveLength(1)
  })

  test('a follower that leaves before the answer receives nothing', async () => {
    const { server, follow, commit } = openClient()
    const { received, subscription } = follow('room/1')
    server.last().accept()
    subscription.unsubscribe()
    await vi.advanceTimersByTimeAsync(1)
    server.last().run()
    commit('room/1')
    server.last().run()
    expect(received).toEqual(['closed'])
    expect(server.last().sent.map((r) => r.op)).toEqual(['subscribe', 'unsubscribe'])
  })

  test('a follower that leaves while the socket connects leaves no subscription', async () => {
    const { server, client, follow } = openClient()
    follow('room/1').subscription.unsubscribe()
    await vi.advanceTimersByTimeAsync(6000)
    server.last().accept()
    expect(client.status).toBe('idle')
    expect(server.sockets).toHaveLength(0)
  })

  test('a follower that is replaced at once causes no request', async () => {
    const { server, follow, commit } = openClient()
    const first = follow('room/1')
    const socket = connect(server)
    first.subscription.unsubscribe()
    const second = follow('room/1')
    await vi.advanceTimersByTimeAsync(10)
    commit('room/1')
    socket.run()
    expect(socket.sent).toHaveLength(1)
    expect([first.received, second.received]).toEqual([
      ['live', 'closed'],
      ['live', '1'],
    ])
  })

  test('a signal unsubscribes, also if it was aborted before', () => {
    const { server, follow, commit } = openClient()
    const ending = new AbortController()
    const { received, subscription } = follow('room/1', { signal: ending.signal })
    const socket = connect(server)
    ending.abort()
    commit('room/1')
    socket.run()
    expect(received).toEqual(['live', 'closed'])
    expect(subscription.status).toBe('closed')
    expect(follow('room/1', { signal: ending.signal }).subscription.status).toBe('closed')
  })

  test('two spellings of a topic share one subscription', async () => {
    const { server, follow, commit } = openClient()
    server.spell = (topic) => topic.replace(/\/0+/, '/')
    const [right, wrong] = [follow('room/7'), follow('room/007')]
    connect(server)
    commit('room/7')
    server.last().run()
    await vi.advanceTimersByTimeAsync(300)
    server.last().run()
    await vi.advanceTimersByTimeAsync(300)
    server.last().run()
    commit('room/7')
    server.last().run()
    expect([right.received, wrong.received]).toEqual([
      ['live', '1', '2'],
      ['live', '1', '2'],
    ])
  })

  test('an invalid topic is refused without a request', async () => {
    const { server, follow } = openClient()
    for (const topic of ['', '/a', 'a//b', 'a b', 'x'.repeat(201)]) {
      const { received } = follow(topic)
      await Promise.resolve()
      expect(received, topic).toEqual(['stopped', 'error bad_request'])
    }
    expect(server.sockets).toHaveLength(0)
  })
})

describe('refusals', () => {
  test('a refusal ends one topic; reconnect requests it again', () => {
    const { server, client, follow, commit } = openClient()
    server.refuse = ({ topic }) => (topic === 'room/1' ? { code: 'unauthorized', message: 'log in first', retryable: false } : undefined)
    const refused = follow('room/1')
    const open = follow('dams')
    const socket = connect(server)
    commit('dams')
    socket.run()
    expect(refused.received).toEqual(['stopped', 'error unauthorized'])
    expect(refused.subscription.error?.message).toBe('log in first')
    expect(open.received).toEqual(['live', '1'])
    server.refuse = () => undefined
    client.reconnect()
    connect(server)
    expect(refused.received.slice(2)).toEqual(['pending', 'live'])
  })

  test('a temporary refusal is tried again after the time that the server names', async () => {
    const { server, follow } = openClient()
    server.refuse = () => ({ code: 'unavailable', message: '', retryable: true, retry_after: 2 })
    const { received } = follow('room/1')
    const socket = connect(server)
    server.refuse = () => undefined
    await vi.advanceTimersByTimeAsync(1900)
    expect(socket.sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2200)
    socket.run()
    expect(received).toEqual(['error unavailable', 'live'])
  })

  test('after a bad cursor the subscription starts now, and a reset is reported', () => {
    const { server, follow, commit } = openClient()
    server.refuse = (request) => ('since' in request && request.since ? { code: 'bad_cursor', message: '', retryable: false } : undefined)
    const { received } = follow('room/1', { since: 'garbage' })
    const socket = connect(server)
    commit('room/1')
    socket.run()
    expect(received).toEqual(['reset bad_cursor', 'live', '1'])
  })

  test('an empty cursor is never sent: the subscription starts now, and a reset is reported', async () => {
    const { server, follow, commit } = openClient()
    const { received } = follow('room/1', { since: '' })
    await Promise.resolve()
    const socket = connect(server)
    commit('room/1')
    socket.run()
    expect(socket.sent).toEqual([{ op: 'subscribe', topic: 'room/1' }])
    expect(received).toEqual(['reset bad_cursor', 'live', '1'])
  })

  test('a refused snapshot does not stop followers that need none', async () => {
    const { server, client, follow, commit } = openClient()
    server.refuse = (request) => ('snapshot' in request ? { code: 'bad_request', message: 'no snapshot', retryable: false } : undefined)
    const { received } = follow('room/1')
    const socket = connect(server)
    const room = client.live({ topic: 'room/1' })
    room.subscribe(() => {})
    socket.run()
    commit('room/1')
    socket.run()
    expect(room.getSnapshot()).toMatchObject({ status: 'stopped', error: { code: 'bad_request' } })
    expect(received).toEqual(['live', '1'])
  })

  test('a temporarily refused snapshot does not delay the other followers', async () => {
    const { server, client, follow, commit } = openClient()
    server.refuse = (request) => ('snapshot' in request ? { code: 'unavailable', message: '', retryable: true, retry_after: 60 } : undefined)
    const { received } = follow('room/1')
    const socket = connect(server)
    client.live({ topic: 'room/1' }).subscribe(() => {})
    socket.run()
    commit('room/1')
    socket.run()
    expect(received).toContain('1')
    expect(subscribes(socket)).toHaveLength(3)
  })
})
