import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { again, connect, stand, subscribes } from './stand.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const frames = new URL('../../api/testdata/frames/', import.meta.url)
const golden = (name: string) => readFileSync(new URL(`native-${name}.json`, frames), 'utf8').trim()

test('golden frames, as the server sends them', async () => {
  const known = readdirSync(frames).filter((name) => name.startsWith('native-'))
  expect(known).toHaveLength(15)
  const { model, client, follow } = stand()
  const { heard, events, subscription } = follow('room/42')
  const { heard: below, events: patients } = follow('patients')
  const room = client.live({ topic: 'room/42' })
  const socket = model.last()
  socket.readyState = 1
  socket.hear(golden('welcome'))
  socket.hear(golden('subscribed'))
  socket.hear({ op: 'subscribed', topic: 'patients', cursor: 'p' })
  socket.hear(golden('event'))
  socket.hear(golden('event-followed'))
  expect(events[0]).toMatchObject({ topic: 'room/42', id: '8812', type: 'chat_message_created', data: { message: 'Hello world!' } })
  expect(subscription.cursor).toBe('00c0ffee00c0ffee.2df.3.1')
  expect(patients[0]).toMatchObject({ topic: 'patients/12', data: { action: 'delete' } })
  socket.hear(golden('heartbeat-busy'))
  socket.hear(golden('heartbeat'))
  socket.hear(golden('pong'))
  socket.hear(golden('error-malformed'))
  socket.hear(golden('reset'))
  expect(heard).toEqual(['live', '8812', 'reset overflow'])
  room.subscribe(() => {})
  expect(socket.sent.at(-1)).toEqual({ op: 'subscribe', topic: 'room/42', snapshot: true })
  socket.hear(golden('subscribed-snapshot'))
  expect(room.getSnapshot()).toMatchObject({ status: 'live', state: [{ id: 1, message: '<b>Grüße</b> & "more"' }] })
  socket.hear(golden('subscribed-replays'))
  socket.hear(golden('subscribed-reset'))
  socket.hear(golden('error-retryable'))
  expect(heard.at(-1)).toBe('error unavailable')
  socket.hear(golden('error'))
  expect(heard.slice(-2)).toEqual(['stopped', 'error forbidden'])
  socket.hear(golden('unsubscribed'))
  expect(below).toEqual(['live', '8813'])
})

describe('following', () => {
  test('what was cut off is resumed from the last cursor, and nothing comes twice', async () => {
    const { model, follow, commit } = stand()
    model.bare = ({ id }) => id !== '1'
    const { heard } = follow('room/1')
    const socket = connect(model)
    for (let i = 0; i < 3; i++) commit('room/1')
    socket.flow()
    socket.cut()
    commit('room/1')
    await again(model)
    expect(heard).toEqual(['live', '1', '2', '3', 'pending', 'live', '4'])
  })

  test('a cursor that has expired is a reset, and events go on', async () => {
    const { model, follow, commit } = stand()
    const { heard } = follow('room/1')
    const socket = connect(model)
    commit('room/1')
    socket.flow()
    socket.cut()
    model.crash()
    const after = await again(model)
    model.commit({ id: '1', topic: 'room/1', type: 'said', data: {} }) // the id of another history
    after.flow()
    expect(heard).toEqual(['live', '1', 'pending', 'reset epoch', 'live', '1'])
  })

  test('a reset in mid-stream is told in its place', () => {
    const { model, follow, commit } = stand()
    const { heard, subscription } = follow('room/1')
    const socket = connect(model)
    socket.hear({ op: 'reset', topic: 'room/1', reason: 'overflow', cursor: 'c9' })
    expect(subscription.cursor).toBe('c9')
    commit('room/1')
    socket.flow()
    expect(heard).toEqual(['live', 'reset overflow', '1'])
  })

  test('the cursor of a heartbeat is for what was answered, not for what is asked', async () => {
    const { model, follow } = stand()
    const { subscription: a } = follow('a')
    const socket = connect(model)
    const { subscription: b } = follow('b', { since: 'mine' })
    socket.hear({ op: 'heartbeat', cursor: 'h' })
    expect([a.cursor, b.cursor]).toEqual(['h', 'mine'])
  })

  test('a thousand followers of a topic are one subscription', () => {
    const { model, client, commit } = stand()
    let heard = 0
    const all = Array.from({ length: 1000 }, () => client.subscribe('room/1', () => void heard++))
    const socket = connect(model)
    expect(socket.sent).toHaveLength(1)
    commit('room/1')
    socket.flow()
    expect(heard).toBe(1000)
    for (const one of all.slice(1)) one.unsubscribe()
    commit('room/1')
    socket.flow()
    expect(heard).toBe(1001)
    expect(socket.sent).toHaveLength(1)
  })

  test('who leaves while a topic is asked for hears nothing', async () => {
    const { model, follow, commit } = stand()
    const { heard, subscription } = follow('room/1')
    model.last().accept()
    subscription.unsubscribe()
    await vi.advanceTimersByTimeAsync(1)
    model.last().flow()
    commit('room/1')
    model.last().flow()
    expect(heard).toEqual(['closed'])
    expect(model.last().sent.map((r) => r.op)).toEqual(['subscribe', 'unsubscribe'])
  })

  test('who leaves while the socket connects leaves nothing behind', async () => {
    const { model, client, follow } = stand()
    follow('room/1').subscription.unsubscribe()
    await vi.advanceTimersByTimeAsync(6000)
    model.last().accept()
    expect(client.status).toBe('idle')
    expect(model.sockets).toHaveLength(0)
  })

  test('who comes back at once costs nothing', async () => {
    const { model, follow, commit } = stand()
    const first = follow('room/1')
    const socket = connect(model)
    first.subscription.unsubscribe()
    const second = follow('room/1')
    await vi.advanceTimersByTimeAsync(10)
    commit('room/1')
    socket.flow()
    expect(socket.sent).toHaveLength(1)
    expect([first.heard, second.heard]).toEqual([
      ['live', 'closed'],
      ['live', '1'],
    ])
  })

  test('a signal unsubscribes, also one that has been given already', () => {
    const { model, follow, commit } = stand()
    const ending = new AbortController()
    const { heard, subscription } = follow('room/1', { signal: ending.signal })
    const socket = connect(model)
    ending.abort()
    commit('room/1')
    socket.flow()
    expect(heard).toEqual(['live', 'closed'])
    expect(subscription.status).toBe('closed')
    expect(follow('room/1', { signal: ending.signal }).subscription.status).toBe('closed')
  })

  test('another spelling is one topic', async () => {
    const { model, follow, commit } = stand()
    model.spell = (topic) => topic.replace(/\/0+/, '/')
    const [right, wrong] = [follow('room/7'), follow('room/007')]
    connect(model)
    commit('room/7')
    model.last().flow()
    await vi.advanceTimersByTimeAsync(300)
    model.last().flow()
    await vi.advanceTimersByTimeAsync(300)
    model.last().flow()
    commit('room/7')
    model.last().flow()
    expect([right.heard, wrong.heard]).toEqual([
      ['live', '1', '2'],
      ['live', '1', '2'],
    ])
  })

  test('what cannot be a topic is refused here', async () => {
    const { model, follow } = stand()
    for (const topic of ['', '/a', 'a//b', 'a b', 'x'.repeat(201)]) {
      const { heard } = follow(topic)
      await Promise.resolve()
      expect(heard, topic).toEqual(['stopped', 'error bad_request'])
    }
    expect(model.sockets).toHaveLength(0)
  })
})

describe('refusals', () => {
  test('end a topic and leave the others; reconnecting asks again', () => {
    const { model, client, follow, commit } = stand()
    model.refuse = ({ topic }) => (topic === 'room/1' ? { code: 'unauthorized', message: 'log in first', retryable: false } : undefined)
    const refused = follow('room/1')
    const open = follow('dams')
    const socket = connect(model)
    commit('dams')
    socket.flow()
    expect(refused.heard).toEqual(['stopped', 'error unauthorized'])
    expect(refused.subscription.error?.message).toBe('log in first')
    expect(open.heard).toEqual(['live', '1'])
    model.refuse = () => undefined
    client.reconnect()
    connect(model)
    expect(refused.heard.slice(2)).toEqual(['pending', 'live'])
  })

  test('that pass are tried again, when the server says', async () => {
    const { model, follow } = stand()
    model.refuse = () => ({ code: 'unavailable', message: '', retryable: true, retry_after: 2 })
    const { heard } = follow('room/1')
    const socket = connect(model)
    model.refuse = () => undefined
    await vi.advanceTimersByTimeAsync(1900)
    expect(socket.sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2200)
    socket.flow()
    expect(heard).toEqual(['error unavailable', 'live'])
  })

  test('of a cursor that is none begin from now, and tell', () => {
    const { model, follow, commit } = stand()
    model.refuse = (request) => ('since' in request && request.since ? { code: 'bad_cursor', message: '', retryable: false } : undefined)
    const { heard } = follow('room/1', { since: 'garbage' })
    const socket = connect(model)
    commit('room/1')
    socket.flow()
    expect(heard).toEqual(['reset bad_cursor', 'live', '1'])
  })

  test('of a snapshot leave those who need none', async () => {
    const { model, client, follow, commit } = stand()
    model.refuse = (request) => ('snapshot' in request ? { code: 'bad_request', message: 'no snapshot', retryable: false } : undefined)
    const { heard } = follow('room/1')
    const socket = connect(model)
    const room = client.live({ topic: 'room/1' })
    room.subscribe(() => {})
    socket.flow()
    commit('room/1')
    socket.flow()
    expect(room.getSnapshot()).toMatchObject({ status: 'stopped', error: { code: 'bad_request' } })
    expect(heard).toEqual(['live', '1'])
  })

  test('of a snapshot that may pass do not hold the others up', async () => {
    const { model, client, follow, commit } = stand()
    model.refuse = (request) => ('snapshot' in request ? { code: 'unavailable', message: '', retryable: true, retry_after: 60 } : undefined)
    const { heard } = follow('room/1')
    const socket = connect(model)
    client.live({ topic: 'room/1' }).subscribe(() => {})
    socket.flow()
    commit('room/1')
    socket.flow()
    expect(heard).toContain('1')
    expect(subscribes(socket)).toHaveLength(3)
  })
})
