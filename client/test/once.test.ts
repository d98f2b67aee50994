import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient } from '../src/index.js'
import type { RowcallEvent, Subscription } from '../src/index.js'
import { Model, type Filed } from './model.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) | 0
    return Math.abs(state ^ (state >>> 13)) % below
  }
}

/** A follower, and what it has to have heard in the end. */
class Witness {
  heard: string[] = []
  rows = new Map<string, number>()
  begun: Set<string> | undefined // what it need not hear
  certain = true // begun is exact
  subscription: Subscription | undefined

  constructor(readonly topic: string) {}

  hear({ id, data }: RowcallEvent): void {
    expect(this.heard, `${id} came twice to ${this.topic}`).not.toContain(id)
    expect(data.version, `a row went back, at ${id}`).toBeGreaterThan(this.rows.get(data.row) ?? -1)
    this.rows.set(data.row, data.version)
    this.heard.push(id)
  }

  check(log: Filed[]): void {
    const due = log.filter((e) => (e.topic + '/').startsWith(this.topic + '/')).map((e) => e.id)
    const must = due.filter((id) => !this.begun!.has(id))
    expect(must.filter((id) => !this.heard.includes(id)), 'lost').toEqual([])
    if (this.certain) expect(this.heard.filter((id) => this.begun!.has(id)), 'heard of what was before').toEqual([])
  }
}

/**
 * Writers, cuts at every place, followers who come from now, from a cursor and with a snapshot, and leave again: each
 * hears each event after its beginning once, rows never go back.
 */
function session(seed: number): void {
  const pick = chance(seed)
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const model = new Model()
  model.bare = (e) => Number(e.id) % 3 === 0 && seed % 2 === 0
  const client = createClient({ url: 'ws://server', WebSocket: model.WebSocket })
  const witnesses: Witness[] = []
  const cursors: string[] = []
  const versions = new Map<string, number>()
  let next = 0
  let open: Filed[] = [] // of a transaction that draws its ids now and commits later

  const write = (): Filed => {
    const row = `r${pick(3)}`
    const version = (versions.get(row) ?? 0) + 1
    versions.set(row, version)
    return { id: String(++next), topic: pick(4) ? 'a' : 'a/b', type: 't', data: { row, version } }
  }
  const join = () => {
    const witness = new Witness(pick(4) ? 'a' : 'a/b')
    const kind = pick(3)
    if (kind === 2) follow(witness)
    else attend(witness, kind ? cursors[pick(cursors.length || 1)] : undefined)
    witnesses.push(witness)
  }
  const attend = (witness: Witness, since?: string) => {
    witness.begun = since ? model.place(since)!.passed : undefined
    let answered = false
    const at = () => new Set(model.log.map((e) => e.id))
    if (!since) {
      witness.begun = at()
      witness.certain = false // what is on its way already may come, or not
    }
    witness.subscription = client.subscribe(witness.topic, (e, { cursor }) => (witness.hear(e), cursor && cursors.push(cursor)), {
      since,
      onStatus: (status) => {
        if (status === 'live' && !since && !answered) witness.begun = at()
        answered = true
      },
      onReset: () => expect.unreachable('a gap'),
    })
  }
  const follow = (witness: Witness) => {
    const live = client.live({
      topic: witness.topic,
      from: (rows: any[]) => {
        witness.begun = new Set(rows.map((row) => row.id))
        for (const { row, version } of rows) witness.rows.set(row, Math.max(version, witness.rows.get(row) ?? -1))
        return rows
      },
      reduce: (state, event) => (witness.hear(event), [...state, event]),
    })
    live.subscribe(() => {})
  }
  const acts = [
    () => model.commit(write()),
    () => model.commit(write(), write(), write()),
    () => open.length || open.push({ id: String(++next), topic: 'a', type: 't', data: { row: `long${next}`, version: 1 } }),
    () => (model.commit(...open), (open = [])),
    () => witnesses.length < 8 && join(),
    () => pick(12) || model.sockets.at(-1)?.cut(),
    () => vi.advanceTimersByTime(pick(300)),
    () => pick(5) || model.sockets.at(-1)?.owed.push('pong'),
    () => pick(6) || witnesses[pick(witnesses.length || 1)]?.subscription?.unsubscribe(),
  ]
  for (let step = 0; step < 600; step++) {
    if (pick(3) === 0) acts[pick(acts.length)]!()
    const socket = model.sockets.at(-1)
    if (socket?.readyState === 0) socket.accept()
    else if (pick(2)) socket?.read()
    else socket?.give(pick)
  }
  model.commit(...open)
  for (let i = 0; i < 40; i++) {
    vi.advanceTimersByTime(1000)
    if (model.sockets.at(-1)?.readyState === 0) model.last().accept()
    model.sockets.at(-1)?.owed.push('heartbeat')
    model.sockets.at(-1)?.flow()
  }
  const there = witnesses.filter((w) => w.subscription?.status !== 'closed')
  for (const witness of there) witness.check(model.log)
  client.close()
}

test('whatever is cut, and whoever joins, each event comes once', () => {
  for (let seed = 1; seed <= 100; seed++) {
    try {
      session(seed)
    } catch (error) {
      ;(error as Error).message = `seed ${seed}: ${(error as Error).message}`
      throw error
    }
  }
})

/** A page's story, cut after so many frames. It reports whether there were as many. */
function story(frames: number): boolean {
  const model = new Model()
  model.bare = ({ id }) => id === '3' || id === '4'
  const client = createClient({ url: 'ws://server', WebSocket: model.WebSocket })
  const [first, second, late]: string[][] = [[], [], []]
  let id = 0
  let left = frames
  const say = (n: number) => model.commit(...Array.from({ length: n }, () => ({ id: String(++id), topic: 'a', type: 't', data: { row: 'r', version: id } })))
  const flow = () => {
    for (let step = 0; step < 50; step++) {
      const socket = model.sockets.at(-1)
      if (socket?.readyState === 0) socket.accept()
      if (!socket?.read() && !socket?.give()) vi.advanceTimersByTime(50)
      else if (left-- === 0) socket.cut()
    }
  }
  let cursor: string | undefined
  const subscription = client.subscribe('a', (e, at) => {
    first!.push(e.id)
    if (e.id === '2') cursor = at.cursor
  })
  flow()
  say(2)
  flow()
  client.subscribe('a', (e) => second!.push(e.id), { since: cursor })
  say(3)
  flow()
  const live = client.live({ topic: 'a', from: (rows: any[]) => rows.map((r) => r.id), reduce: (ids: string[], e) => [...ids, e.id] })
  live.subscribe(() => late!.push(''))
  flow()
  say(2)
  flow()
  subscription.unsubscribe()
  say(1)
  vi.advanceTimersByTime(30_000)
  flow()
  expect(first, `cut after ${frames}`).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  expect(second, `cut after ${frames}`).toEqual(['3', '4', '5', '6', '7', '8'])
  expect(live.getSnapshot().state, `cut after ${frames}`).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
  client.close()
  return left < 0
}

test('a cut after any frame changes nothing', () => {
  let frames = 0
  while (story(frames)) frames++
  expect(frames).toBeGreaterThan(30)
})

test('after crashes of the database, live states are those of its new history', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const pick = chance(seed)
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const model = new Model()
    const client = createClient({ url: 'ws://server', WebSocket: model.WebSocket })
    const lives = Array.from({ length: 3 }, () => client.live({ topic: 'a', from: (rows: any[]) => rows.map((r) => r.id), reduce: (ids: string[], e) => [...ids, e.id] }))
    let id = 0
    client.subscribe('a', () => {})
    for (let step = 0; step < 300; step++) {
      const socket = model.sockets.at(-1)
      if (pick(100) === 0) model.crash(), (id = pick(3))
      if (pick(60) === 0) socket?.cut()
      if (pick(5) === 0) model.commit({ id: String(++id), topic: 'a', type: 't', data: {} })
      if (pick(20) === 0) lives[pick(3)]!.subscribe(() => {})
      if (pick(3) === 0) vi.advanceTimersByTime(pick(400))
      if (socket?.readyState === 0) socket.accept()
      else if (pick(2)) socket?.read()
      else socket?.give(pick)
    }
    for (const live of lives) live.subscribe(() => {})
    for (let i = 0; i < 40; i++) {
      vi.advanceTimersByTime(1000)
      if (model.sockets.at(-1)?.readyState === 0) model.last().accept()
      model.sockets.at(-1)?.owed.push('heartbeat')
      model.sockets.at(-1)?.flow()
    }
    for (const live of lives) {
      expect(live.getSnapshot().status, `seed ${seed}`).toBe('live')
      expect([...live.getSnapshot().state!].sort(), `seed ${seed}`).toEqual(model.log.map((e) => e.id).sort())
    }
    client.close()
  }
})
