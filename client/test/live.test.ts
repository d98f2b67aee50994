import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { byKey, type RowcallEvent } from '../src/index.js'
import { again, connect, stand } from './stand.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a live state', () => {
  test('is the snapshot, then what events make of it', async () => {
    const { model, client, commit } = stand()
    commit('dams', { name: 'Hoover' })
    const dams = client.live({ topic: 'dams', reduce: (rows, event) => [...rows, event.data] })
    const changed = vi.fn()
    expect(dams.getSnapshot()).toEqual({ state: undefined, status: 'loading', error: undefined })
    dams.subscribe(changed)
    const socket = connect(model)
    commit('dams', { name: 'Glen' })
    commit('dams', { name: 'Jordanelle' })
    socket.flow()
    await vi.advanceTimersByTimeAsync(0)
    expect(changed).toHaveBeenCalledTimes(1)
    expect(dams.getSnapshot().state?.map((d: any) => d.name)).toEqual(['Hoover', 'Glen', 'Jordanelle'])
    expect(dams.getSnapshot().status).toBe('live')
  })

  test('stays the same object while nothing changes', async () => {
    const { model, client, commit } = stand()
    const dams = client.live({ topic: 'dams', reduce: (rows) => rows })
    const changed = vi.fn()
    dams.subscribe(changed)
    const socket = connect(model)
    const before = dams.getSnapshot()
    await vi.advanceTimersByTimeAsync(0)
    commit('dams')
    socket.flow()
    await vi.advanceTimersByTimeAsync(10)
    expect(dams.getSnapshot()).toBe(before)
    expect(changed).toHaveBeenCalledTimes(1)
  })

  test('is stale while the connection is lost, and resumes by cursor', async () => {
    const { model, client, commit } = stand()
    const dams = client.live({ topic: 'dams' })
    dams.subscribe(() => {})
    const socket = connect(model)
    const { state } = dams.getSnapshot()
    socket.cut()
    expect(dams.getSnapshot()).toEqual({ state, status: 'stale', error: undefined })
    await again(model)
    expect(dams.getSnapshot()).toMatchObject({ status: 'live' })
    expect(dams.getSnapshot().state).toBe(state)
    expect(model.last().sent[0]).toHaveProperty('since')
    commit('dams', { id: 7 })
    model.last().flow()
    expect(dams.getSnapshot().state).toEqual([{ id: 7 }])
  })

  test('takes a new snapshot after a reset, while others go on', async () => {
    const { model, client, commit, follow } = stand()
    const dams = client.live({ topic: 'dams' })
    dams.subscribe(() => {})
    const { heard } = follow('dams')
    const socket = connect(model)
    model.crash()
    commit('dams', { name: 'Hoover' })
    for (let i = 0; i < 5; i++) {
      socket.flow()
      await vi.advanceTimersByTimeAsync(300)
    }
    expect(dams.getSnapshot()).toMatchObject({ status: 'live', state: [{ name: 'Hoover' }] })
    commit('dams', { id: '2', name: 'Glen' })
    socket.flow()
    expect(dams.getSnapshot().state).toHaveLength(2)
    expect(heard).toEqual(['live', 'reset epoch', '1', '2'])
  })

  test('begins with a state of its own where it is given one, and again after a reset', () => {
    const { model, client, commit } = stand()
    const count = client.live({ topic: 'dams', initial: 0, reduce: (n: number) => n + 1 })
    count.subscribe(() => {})
    const socket = connect(model)
    expect(socket.sent).toEqual([{ op: 'subscribe', topic: 'dams' }])
    commit('dams')
    socket.flow()
    expect(count.getSnapshot()).toMatchObject({ state: 1, status: 'live' })
    socket.hear({ op: 'reset', topic: 'dams', reason: 'expired', cursor: 'c' })
    expect(count.getSnapshot()).toMatchObject({ state: 0, status: 'live' })
  })

  test('is followed while somebody looks, and a moment longer', async () => {
    const { model, client } = stand()
    const dams = client.live({ topic: 'dams' })
    const stop = dams.subscribe(() => {})
    const socket = connect(model)
    stop()
    dams.subscribe(() => {})()
    await vi.advanceTimersByTimeAsync(900)
    expect(socket.sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    socket.flow()
    expect(socket.sent.at(-1)).toEqual({ op: 'unsubscribe', topic: 'dams' })
    dams.subscribe(() => {})
    socket.flow()
    expect(dams.getSnapshot().status).toBe('live')
  })

  test('a second one beside it gets a snapshot of its own', async () => {
    const { model, client, commit } = stand()
    const first = client.live({ topic: 'dams' })
    const second = client.live({ topic: 'dams' })
    first.subscribe(() => {})
    const socket = connect(model)
    commit('dams', { name: 'Hoover', id: '1' })
    socket.flow()
    second.subscribe(() => {})
    for (let i = 0; i < 5; i++) {
      commit('dams', { name: 'more', id: String(i + 2) })
      socket.flow()
      await vi.advanceTimersByTimeAsync(300)
    }
    expect(first.getSnapshot().state).toEqual(second.getSnapshot().state)
    expect(first.getSnapshot().state).toHaveLength(6)
  })
})

describe('rows by key', () => {
  const say = (type: string, data: unknown) => ({ type, data }) as RowcallEvent
  const rows = [
    { id: 1, name: 'Hoover' },
    { id: 2, name: 'Glen' },
  ]
  const keep = byKey()
  for (const [name, event, want] of [
    ['a new row', say('dam.create', { id: 3, name: 'New' }), [...rows, { id: 3, name: 'New' }]],
    ['a change, told with another type of key', say('changed', { id: '2', name: 'Glen Canyon', more: 1 }), [rows[0], { id: 2, name: 'Glen Canyon' }]],
    ['a deletion', say('dam.delete', { id: 1 }), [rows[1]]],
    ['a deletion by action', say('patient.change', { id: 1, action: 'delete' }), [rows[1]]],
    ['a deletion in the past tense', say('chat_message_deleted', { id: '1' }), [rows[1]]],
    ['a watched table', say('t.update', { op: 'update', new: { id: 1, name: 'H' }, old: null }), [{ id: 1, name: 'H' }, rows[1]]],
    ['a row that leaves', say('t.leave', { op: 'leave', new: null, old: { id: 2 } }), [rows[0]]],
    ['a truncated table', say('t.truncate', { op: 'truncate' }), []],
  ] as const)
    test(name, () => expect(keep(rows, event)).toEqual(want))

  for (const event of [say('x', null), say('x', 7), say('x', { user_id: 1 }), say('x', { id: 1, name: 'Hoover' }), say('x.delete', { id: 9 })])
    test(`nothing new: ${JSON.stringify(event)}`, () => expect(keep(rows, event)).toBe(rows))
})

describe('a loop', () => {
  test('gets each event in order, and leaves when it is left', async () => {
    const { model, client, commit } = stand()
    const events = client.events('room/1')
    const socket = connect(model)
    for (let i = 0; i < 3; i++) commit('room/1')
    socket.flow()
    const heard: string[] = []
    for await (const event of events) {
      heard.push(event.id)
      if (heard.length === 3) break
    }
    expect(heard).toEqual(['1', '2', '3'])
    await vi.advanceTimersByTimeAsync(10)
    expect(socket.sent.at(-1)?.op).toBe('unsubscribe')
  })

  test('that is slow leaves the topic when the buffer is full, and resumes', async () => {
    const { model, client, commit } = stand()
    model.bare = ({ id }) => id === '2'
    const events = client.events('room/1', { buffer: 2 })
    const socket = connect(model)
    for (let i = 0; i < 10; i++) {
      commit('room/1')
      socket.flow()
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(socket.sent.at(-1)?.op).toBe('unsubscribe')
    socket.flow()
    const heard: string[] = []
    while (heard.length < 10) {
      const next = events.next()
      await vi.advanceTimersByTimeAsync(10)
      socket.flow()
      heard.push((await next).value!.id)
    }
    expect(heard).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])
  })

  test('ends with a signal, a gap, a refusal', async () => {
    const { model, client } = stand()
    const ending = new AbortController()
    const [ended, gap, refused] = [client.events('a', { signal: ending.signal }), client.events('b'), client.events('c')]
    const results = [ended.next(), gap.next(), refused.next().catch((e) => e)] as const
    model.refuse = ({ topic }) => (topic === 'c' ? { code: 'forbidden', message: '', retryable: false } : undefined)
    const socket = connect(model)
    ending.abort()
    const failed = expect(results[1]).rejects.toMatchObject({ code: 'reset' })
    socket.hear({ op: 'reset', topic: 'b', reason: 'overflow', cursor: 'c' })
    expect(await results[0]).toEqual({ value: undefined, done: true })
    await failed
    expect(await results[2]).toMatchObject({ code: 'forbidden' })
    expect(await client.events('a', { signal: ending.signal }).next()).toMatchObject({ done: true })
  })
})
