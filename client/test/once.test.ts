import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient } from '../src/index.js'
import type { RowcallEvent, Subscription } from '../src/index.js'
import { FakeServer, type Filed } from './fake_server.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Returns a generator of pseudo-random numbers: the same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) | 0
    return Math.abs(state ^ (state >>> 13)) % below
  }
}

/** A follower that checks what it receives. */
class Witness {
  received: string[] = []
  rows = new Map<string, number>()
  before: Set<string> | undefined // ids committed before it started, which it need not receive
  exact = true // whether `before` is exact
  subscription: Subscription | undefined

  constructor(readonly topic: string) {}

  receive({ id, data }: RowcallEvent): void {
    expect(this.received, `${id} came twice to ${this.topic}`).not.toContain(id)
    expect(data.version, `a row went back, at ${id}`).toBeGreaterThan(this.rows.get(data.row) ?? -1)
    this.rows.set(data.row, data.version)
    this.received.push(id)
  }

  check(log: Filed[]): void {
    const due = log.filter((e) => (e.topic + '/').startsWith(this.topic + '/')).map((e) => e.id)
    const must = due.filter((id) => !this.before!.has(id))
    expect(must.filter((id) => !this.received.includes(id)), 'lost').toEqual([])
    if (this.exact) expect(this.received.filter((id) => this.before!.has(id)), 'received from before it started').toEqual([])
  }
}

/**
 * Runs writers, cuts at any place, and followers that start now, from a cursor or with a snapshot, and leave again. Each
 * follower must receive each event after its start once, and rows must never go back to an older version.
 */
function session(seed: number): void {
  const pick = randomFrom(seed)
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const server = new FakeServer()
  server.bare = (e) => Number(e.id) % 3 === 0 && seed % 2 === 0
  const client = createClient({ url: 'ws://server', WebSocket: server.WebSocket })
  const witnesses: Witness[] = []
  const cursors: string[] = []
  const versions = new Map<string, number>()
  let next = 0
  let open: Filed[] = [] // events of a transaction that takes its ids now and commits later

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
    witness.before = since ? server.place(since)!.passed : undefined
    let answered = false
    const at = () => new Set(server.log.map((e) => e.id))
    if (!since) {
      witness.before = at()
      witness.exact = false // events that are on their way may still come
    }
    witness.subscription = client.subscribe(witness.topic, (e, { cursor }) => (witness.receive(e), cursor && cursors.push(cursor)), {
      since,
      onStatus: (status) => {
        if (status === 'live' && !since && !answered) witness.before = at()
        answered = true
      },
      onReset: () => expect.unreachable('a gap'),
    })
  }
  const follow = (witness: Witness) => {
    const live = client.live({
      topic: witness.topic,
      from: (rows: any[]) => {
        witness.before = new Set(rows.map((row) => row.id))
        for (const { row, version } of rows) witness.rows.set(row, Math.max(version, witness.rows.get(row) ?? -1))
        return rows
      },
      reduce: (state, event) => (witness.receive(event), [...state, event]),
    })
    live.subscribe(() => {})
  }
  const acts = [
    () => server.commit(write()),
    () => server.commit(write(), write(), write()),
    () => open.length || open.push({ id: String(++next), topic: 'a', type: 't', data: { row: `long${next}`, version: 1 } }),
    () => (server.commit(...open), (open = [])),
    () => witnesses.length < 8 && join(),
    () => pick(12) || server.sockets.at(-1)?.cut(),
    () => vi.advanceTimersByTime(pick(300)),
    () => pick(5) || server.sockets.at(-1)?.pongsDue.push('pong'),
    () => pick(6) || witnesses[pick(witnesses.length || 1)]?.subscription?.unsubscribe(),
  ]
  for (let step = 0; step < 600; step++) {
    if (pick(3) === 0) acts[pick(acts.length)]!()
    const socket = server.sockets.at(-1)
    if (socket?.readyState === 0) socket.accept()
    else if (pick(2)) socket?.readOne()
    else socket?.sendOne(pick)
  }
  server.commit(...open)
  for (let i = 0; i < 40; i++) {
    vi.advanceTimersByTime(1000)
    if (server.sockets.at(-1)?.readyState === 0) server.last().accept()
    server.sockets.at(-1)?.pongsDue.push('heartbeat')
    server.sockets.at(-1)?.run()
  }
  const there = witnesses.filter((w) => w.subscription?.status !== 'closed')
  for (const witness of there) witness.check(server.log)
  client.close()
}

test('each event comes once, whatever is cut and whoever joins', () => {
  for (let seed = 1; seed <= 100; seed++) {
    try {
      session(seed)
    } catch (error) {
      ;(error as Error).message = `seed ${seed}: ${(error as Error).message}`
      throw error
    }
  }
})

/** Runs a fixed sequence of commits and followers, with a cut after the given number of frames. It returns whether there were as many. */
function runWithCut(frames: number): boolean {
  const server = new FakeServer()
  server.bare = ({ id }) => id === '3' || id === '4'
  const client = createClient({ url: 'ws://server', WebSocket: server.WebSocket })
  const [first, second, late]: string[][] = [[], [], []]
  let id = 0
  let left = frames
  const say = (n: number) => server.commit(...Array.from({ length: n }, () => ({ id: String(++id), topic: 'a', type: 't', data: { row: 'r', version: id } })))
  const run = () => {
    for (let step = 0; step < 50; step++) {
      const socket = server.sockets.at(-1)
      if (socket?.readyState === 0) socket.accept()
      if (!socket?.readOne() && !socket?.sendOne()) vi.advanceTimersByTime(50)
      else if (left-- === 0) socket.cut()
    }
  }
  let cursor: string | undefined
  const subscription = client.subscribe('a', (e, at) => {
    first!.push(e.id)
    if (e.id === '2') cursor = at.cursor
  })
  run()
  say(2)
  run()
  client.subscribe('a', (e) => second!.push(e.id), { since: cursor })
  say(3)
  run()
  const live = client.live({ topic: 'a', from: (rows: any[]) => rows.map((r) => r.id), reduce: (ids: string[], e) => [...ids, e.id] })
  live.subscribe(() => late!.push(''))
  run()
  say(2)
  run()
  subscription.unsubscribe()
  say(1)
  vi.advanceTimersByTime(30_000)
  run()
  expect(first, `cut after ${frames}`).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  expect(second, `cut after ${frames}`).toEqual(['3', '4', '5', '6', '7', '8'])
  expect(live.getSnapshot().state, `cut after ${frames}`).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
  client.close()
  return left < 0
}

test('a cut after any frame changes nothing', () => {
  let frames = 0
  while (runWithCut(frames)) frames++
  expect(frames).toBeGreaterThan(30)
})

test('after crashes of the database, live states show its new history', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const pick = randomFrom(seed)
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const server = new FakeServer()
    const client = createClient({ url: 'ws://server', WebSocket: server.WebSocket })
    const lives = Array.from({ length: 3 }, () => client.live({ topic: 'a', from: (rows: any[]) => rows.map((r) => r.id), reduce: (ids: string[], e) => [...ids, e.id] }))
    let id = 0
    client.subscribe('a', () => {})
    for (let step = 0; step < 300; step++) {
      const socket = server.sockets.at(-1)
      if (pick(100) === 0) server.crash(), (id = pick(3))
      if (pick(60) === 0) socket?.cut()
      if (pick(5) === 0) server.commit({ id: String(++id), topic: 'a', type: 't', data: {} })
      if (pick(20) === 0) lives[pick(3)]!.subscribe(() => {})
      if (pick(3) === 0) vi.advanceTimersByTime(pick(400))
      if (socket?.readyState === 0) socket.accept()
      else if (pick(2)) socket?.readOne()
      else socket?.sendOne(pick)
    }
    for (const live of lives) live.subscribe(() => {})
    for (let i = 0; i < 40; i++) {
      vi.advanceTimersByTime(1000)
      if (server.sockets.at(-1)?.readyState === 0) server.last().accept()
      server.sockets.at(-1)?.pongsDue.push('heartbeat')
      server.sockets.at(-1)?.run()
    }
    for (const live of lives) {
      expect(live.getSnapshot().status, `seed ${seed}`).toBe('live')
      expect([...live.getSnapshot().state!].sort(), `seed ${seed}`).toEqual(server.log.map((e) => e.id).sort())
    }
    client.close()
  }
})
