import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { byKey, type RowcallEvent } from '../src/index.js'
import { reconnected, connect, openClient } from './open_client.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a live state', () => {
  test('the state is the snapshot, reduced by each event', async () => {
    const { server, client, commit } = openClient()
    commit('dams', { name: 'Hoover' })
    const dams = client.live({ topic: 'dams', reduce: (rows, event) => [...rows, event.data] })
    const changed = vi.fn()
    expect(dams.getSnapshot()).toEqual({ state: undefined, status: 'loading', error: undefined })
    dams.subscribe(changed)
    const socket = connect(server)
    commit('dams', { name: 'Glen' })
    commit('dams', { name: 'Jordanelle' })
    socket.run()
    await vi.advanceTimersByTimeAsync(0)
    expect(changed).toHaveBeenCalledTimes(1)
    expect(dams.getSnapshot().state?.map((d: any) => d.name)).toEqual(['Hoover', 'Glen', 'Jordanelle'])
    expect(dams.getSnapshot().status).toBe('live')
  })

  test('the snapshot stays the same object while nothing changes', async () => {
    const { server, client, commit } = openClient()
    const dams = client.live({ topic: 'dams', reduce: (rows) => rows })
    const changed = vi.fn()
    dams.subscribe(changed)
    const socket = connect(server)
    const before = dams.getSnapshot()
    await vi.advanceTimersByTimeAsync(0)
    commit('dams')
    socket.run()
    await vi.advanceTimersByTimeAsync(10)
    expect(dams.getSnapshot()).toBe(before)
    expect(changed).toHaveBeenCalledTimes(1)
  })

  test('the state is stale while the connection is lost, and the client resumes by cursor', async () => {
    const { server, client, commit } = openClient()
    const dams = client.live({ topic: 'dams' })
    dams.subscribe(() => {})
    const socket = connect(server)
    const { state } = dams.getSnapshot()
    socket.cut()
    expect(dams.getSnapshot()).toEqual({ state, status: 'stale', error: undefined })
    await reconnected(server)
    expect(dams.getSnapshot()).toMatchObject({ status: 'live' })
    expect(dams.getSnapshot().state).toBe(state)
    expect(server.last().sent[0]).toHaveProperty('since')
    commit('dams', { id: 7 })
    server.last().run()
    expect(dams.getSnapshot().state).toEqual([{ id: 7 }])
  })

  test('after a reset a live state takes a new snapshot, and other followers go on', async () => {
    const { server, client, commit, follow } = openClient()
    const dams = client.live({ topic: 'dams' })
    dams.subscribe(() => {})
    const { received } = follow('dams')
    const socket = connect(server)
    server.crash()
    commit('dams', { name: 'Hoover' })
    for (let i = 0; i < 5; i++) {
      socket.run()
      await vi.advanceTimersByTimeAsync(300)
    }
    expect(dams.getSnapshot()).toMatchObject({ status: 'live', state: [{ name: 'Hoover' }] })
    commit('dams', { id: '2', name: 'Glen' })
    socket.run()
    expect(dams.getSnapshot().state).toHaveLength(2)
    expect(received).toEqual(['live', 'reset epoch', '1', '2'])
  })

  test('with an initial state no snapshot is taken, also after a reset', () => {
    const { server, client, commit } = openClient()
    const count = client.live({ topic: 'dams', initial: 0, reduce: (n: number) => n + 1 })
    count.subscribe(() => {})
    const socket = connect(server)
    expect(socket.sent).toEqual([{ op: 'subscribe', topic: 'dams' }])
    commit('dams')
    socket.run()
    expect(count.getSnapshot()).toMatchObject({ state: 1, status: 'live' })
    socket.deliver({ op: 'reset', topic: 'dams', reason: 'expired', cursor: 'c' })
    expect(count.getSnapshot()).toMatchObject({ state: 0, status: 'live' })
  })

  test('the topic is followed while there are listeners, and a moment longer', async () => {
    const { server, client } = openClient()
    const dams = client.live({ topic: 'dams' })
    const stop = dams.subscribe(() => {})
    const socket = connect(server)
    stop()
    dams.subscribe(() => {})()
    await vi.advanceTimersByTimeAsync(900)
    expect(socket.sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    socket.run()
    expect(socket.sent.at(-1)).toEqual({ op: 'unsubscribe', topic: 'dams' })
    dams.subscribe(() => {})
    socket.run()
    expect(dams.getSnapshot().status).toBe('live')
  })

  test('a second live state of the same topic takes its own snapshot', async () => {
    const { server, client, commit } = openClient()
    const first = client.live({ topic: 'dams' })
    const second = client.live({ topic: 'dams' })
    first.subscribe(() => {})
    const socket = connect(server)
    commit('dams', { name: 'Hoover', id: '1' })
    socket.run()
    second.subscribe(() => {})
    for (let i = 0; i < 5; i++) {
      commit('dams', { name: 'more', id: String(i + 2) })
      socket.run()
      await vi.advanceTimersByTimeAsync(300)
    }
    expect(first.getSnapshot().state).toEqual(second.getSnapshot().state)
    expect(first.getSnapshot().state).toHaveLength(6)
  })
})

describe('rows by key', () => {
  const event = (type: string, data: unknown) => ({ type, data }) as RowcallEvent
  const rows = [
    { id: 1, name: 'Hoover' },
    { id: 2, name: 'Glen' },
  ]
  const keep = byKey()
  for (const [name, change, want] of [
    ['a new row', event('dam.create', { id: 3, name: 'New' }), [...rows, { id: 3, name: 'New' }]],
    ['a change whose key has another type', event('changed', { id: '2', name: 'Glen Canyon', more: 1 }), [rows[0], { id: 2, name: 'Glen Canyon' }]],
    ['a deletion', event('dam.delete', { id: 1 }), [rows[1]]],
    ['a deletion by action', event('patient.change', { id: 1, action: 'delete' }), [rows[1]]],
    ['a deletion in the past tense', event('chat_message_deleted', { id: '1' }), [rows[1]]],
    ['a watched table', event('t.update', { op: 'update', new: { id: 1, name: 'H' }, old: null }), [{ id: 1, name: 'H' }, rows[1]]],
    ['a row that leaves', event('t.leave', { op: 'leave', new: null, old: { id: 2 } }), [rows[0]]],
    ['a truncated table', event('t.truncate', { op: 'truncate' }), []],
  ] as const)
    test(name, () => expect(keep(rows, change)).toEqual(want))

  for (const unknown of [event('x', null), event('x', 7), event('x', { user_id: 1 }), event('x', { id: 1, name: 'Hoover' }), event('x.delete', { id: 9 })])
    test(`no change: ${JSON.stringify(unknown)}`, () => expect(keep(rows, unknown)).toBe(rows))
})

describe('a loop', () => {
  test('the loop receives each event in order, and unsubscribes when it ends', async () => {
    const { server, client, commit } = openClient()
    const events = client.events('room/1')
    const socket = connect(server)
    for (let i = 0; i < 3; i++) commit('room/1')
    socket.run()
    const received: string[] = []
    for await (const event of events) {
      received.push(event.id)
      if (received.length === 3) break
    }
    expect(received).toEqual(['1', '2', '3'])
    await vi.advanceTimersByTimeAsync(10)
    expect(socket.sent.at(-1)?.op).toBe('unsubscribe')
  })

  test('a slow loop unsubscribes when the buffer is full, and resumes', async () => {
    const { server, client, commit } = openClient()
    server.bare = ({ id }) => id === '2'
    const events = client.events('room/1', { buffer: 2 })
    const socket = connect(server)
    for (let i = 0; i < 10; i++) {
      commit('room/1')
      socket.run()
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(socket.sent.at(-1)?.op).toBe('unsubscribe')
    socket.run()
    const received: string[] = []
    while (received.length < 10) {
      const next = events.next()
      await vi.advanceTimersByTimeAsync(10)
      socket.run()
      received.push((await next).value!.id)
    }
    expect(received).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])
  })

  test('a signal, a gap or a refusal ends the loop', async () => {
    const { server, client } = openClient()
    const ending = new AbortController()
    const [ended, gap, refused] = [client.events('a', { signal: ending.signal }), client.events('b'), client.events('c')]
    const results = [ended.next(), gap.next(), refused.next().catch((e) => e)] as const
    server.refuse = ({ topic }) => (topic === 'c' ? { code: 'forbidden', message: '', retryable: false } : undefined)
    const socket = connect(server)
    ending.abort()
    const failed = expect(results[1]).rejects.toMatchObject({ code: 'reset' })
    socket.deliver({ op: 'reset', topic: 'b', reason: 'overflow', cursor: 'c' })
    expect(await results[0]).toEqual({ value: undefined, done: true })
    await failed
    expect(await results[2]).toMatchObject({ code: 'forbidden' })
    expect(await client.events('a', { signal: ending.signal }).next()).toMatchObject({ done: true })
  })
})
