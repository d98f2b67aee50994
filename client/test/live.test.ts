import { readFileSync } from 'node:fs'
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
    expect(dams.getSnapshot()).toEqual({ state: undefined, status: 'loading', error: undefined, truncated: false })
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
    expect(dams.getSnapshot()).toEqual({ state, status: 'stale', error: undefined, truncated: false })
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

describe('keys beyond 2^53', () => {
  const near = ['9007199254740991', '9007199254740992', '9007199254740993', '9007199254740994']
  const json = (id: string) => `{"id":${id},"name":"row ${id}"}`

  test('rows are told apart by the text of their keys', async () => {
    const { server, client } = openClient()
    const rows = client.live({ topic: 'orders' })
    rows.subscribe(() => {})
    const socket = server.last()
    socket.accept()
    const event = (n: number, type: string, data: string) =>
      socket.deliver(`{"op":"event","topic":"orders","id":"${n}","type":"${type}","data":${data},"time":"","cursor":"c${n}"}`)
    const names = () => rows.getSnapshot().state!.map((row: any) => row.name)
    socket.deliver(`{"op":"subscribed","topic":"orders","cursor":"c0","snapshot":[${near.map(json).join()}]}`)
    expect(rows.getSnapshot().state!.map((row: any) => String(row.id))).toEqual(near)
    event(1, 'orders.delete', `{"id":9007199254740993}`)
    expect(names()).toEqual(['row 9007199254740991', 'row 9007199254740992', 'row 9007199254740994'])
    event(2, 'orders.update', `{"id":9007199254740992,"name":"changed"}`)
    event(3, 'orders.insert', json('9007199254740993'))
    event(4, 'orders.delete', `{"op":"delete","new":null,"old":{"id":"9007199254740994"}}`)
    expect(names()).toEqual(['row 9007199254740991', 'changed', 'row 9007199254740993'])
  })

  test('a snapshot that the server has cut says so, until there is a whole one', async () => {
    const { server, client } = openClient()
    const room = client.live({ topic: 'room/42' })
    room.subscribe(() => {})
    const socket = server.last()
    socket.accept()
    socket.deliver(readFileSync(new URL('../../api/testdata/frames/native-subscribed-truncated.json', import.meta.url), 'utf8'))
    expect(room.getSnapshot()).toMatchObject({ state: [{ id: 1 }], truncated: true })
    await vi.advanceTimersByTimeAsync(0)
    socket.deliver({ op: 'reset', topic: 'room/42', reason: 'overflow', cursor: 'c1' })
    socket.deliver({ op: 'subscribed', topic: 'room/42', cursor: 'c2', snapshot: [{ id: 1 }] })
    await vi.advanceTimersByTimeAsync(0)
    expect(room.getSnapshot()).toMatchObject({ state: [{ id: 1 }], truncated: false })
  })

  test('a snapshot that differs in a number beyond 2^53 is another state', () => {
    const { server, client } = openClient()
    const rows = client.live({ topic: 'orders' })
    rows.subscribe(() => {})
    const socket = server.last()
    socket.accept()
    socket.deliver(`{"op":"subscribed","topic":"orders","cursor":"c0","snapshot":[${json('9007199254740992')}]}`)
    const before = rows.getSnapshot().state
    socket.deliver(`{"op":"reset","topic":"orders","reason":"expired","cursor":"c1"}`)
    socket.deliver(`{"op":"subscribed","topic":"orders","cursor":"c2","snapshot":[${json('9007199254740993')}]}`)
    expect(rows.getSnapshot().state).not.toBe(before)
    expect(rows.getSnapshot().state).toEqual([{ id: '9007199254740993', name: 'row 9007199254740993' }])
  })
})

describe('the error of a live state', () => {
  test('says why the connection cannot be opened, until it is', async () => {
    const { server, client } = openClient()
    const dams = client.live({ topic: 'dams' })
    const changed = vi.fn()
    dams.subscribe(changed)
    server.last().cut()
    await vi.advanceTimersByTimeAsync(0)
    expect(dams.getSnapshot()).toMatchObject({ status: 'loading', error: { code: 'closed', retryable: true } })
    expect(changed).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1000)
    expect(client.status).toBe('connecting')
    expect(dams.getSnapshot().error?.code).toBe('closed')
    connect(server)
    expect(dams.getSnapshot()).toMatchObject({ status: 'live', error: undefined })
  })

  test('says that the server does not answer', async () => {
    const { client } = openClient({ backoff: { min: 1000 } })
    const dams = client.live({ topic: 'dams' })
    dams.subscribe(() => {})
    await vi.advanceTimersByTimeAsync(20_100)
    expect([client.error?.code, dams.getSnapshot().error?.code]).toEqual(['timeout', 'timeout'])
  })

  test('leaves the status of a subscription as it is', () => {
    const { server, follow } = openClient()
    const { received, subscription } = follow('dams')
    server.last().cut()
    expect([received, subscription.status, subscription.error?.code]).toEqual([[], 'pending', 'closed'])
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
