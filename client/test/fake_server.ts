import type { EventFrame, Request } from '../src/frames.js'

/** An event in the log. */
export interface Filed {
  id: string
  topic: string
  type: string
  data: any
}

/** The meaning of a cursor: the ids of the events before it, in one history of the log. */
interface Place {
  epoch: number
  passed: Set<string>
}

/** A subscription of a socket. */
interface Held {
  answer?: string[] // frames to send before the queue
  place: Set<string> // ids that were sent, or need not be
  queue: Filed[]
}

/**
 * A server that follows docs/protocol.md: one log, cursors that stand for sets of events, replays in the order of ids, live
 * events in the order of commits. A test drives it: sockets read requests and send frames one at a time.
 */
export class FakeServer {
  log: Filed[] = []
  epoch = 1
  sockets: FakeSocket[] = []
  /** Events that carry no cursor, as in the middle of a large transaction. */
  bare: (event: Filed) => boolean = () => false
  /** Returns the error that answers a subscribe, if it is refused. */
  refuse: (request: { topic: string }) => object | undefined = () => undefined
  spell: (topic: string) => string = (topic) => topic
  closing: { code: number; reason: string } | undefined // the close that answers the next handshakes
  heartbeat = 25_000
  private places = new Map<string, Place>()
  private count = 0

  /** Commits events together. Their ids may be smaller than those of events that were committed earlier. */
  commit(...events: Filed[]): void {
    this.log.push(...events)
    for (const socket of this.sockets) for (const [topic, held] of socket.held) held.queue.push(...events.filter((e) => below(e.topic, topic)))
  }

  cursor(passed: Iterable<string>): string {
    const text = `c${this.count++}`
    this.places.set(text, { epoch: this.epoch, passed: new Set(passed) })
    return text
  }

  /** Returns the present cursor. */
  now(): string {
    return this.cursor(this.log.map((e) => e.id))
  }

  place(cursor: string): Place | undefined {
    return this.places.get(cursor)
  }

  /** Simulates a crash of the database: all cursors are invalid, and ids are used again. */
  crash(): void {
    this.epoch++
    this.log = []
    for (const socket of this.sockets)
      for (const [topic, held] of socket.held) {
        held.queue = []
        held.place = new Set()
        ;(held.answer ??= []).push(JSON.stringify({ op: 'reset', topic, reason: 'epoch', cursor: this.now() }))
      }
  }

  last(): FakeSocket {
    return this.sockets.at(-1)!
  }

  /** The WebSocket class for the client. */
  get WebSocket() {
    const server = this
    return class extends FakeSocket {
      constructor(url: string, protocols: string[] = []) {
        super(server, url, protocols)
      }
    }
  }
}

const below = (topic: string, followed: string) => topic === followed || topic.startsWith(followed + '/')
const byId = (a: Filed, b: Filed) => Number(a.id) - Number(b.id)

/** Both ends of a socket. */
export class FakeSocket {
  readyState = 0
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null
  inbox: Request[] = [] // requests that the server has not read yet
  sent: Request[] = []
  outbox: string[] = [] // frames to send next
  pongsDue: string[] = []
  held = new Map<string, Held>()
  closedWith: number | undefined

  constructor(
    readonly server: FakeServer,
    readonly url: string,
    readonly protocols: string[],
  ) {
    server.sockets.push(this)
  }

  // The client's end.

  send(text: string): void {
    if (this.readyState !== 1) throw new Error('the socket is not open')
    const request = JSON.parse(text)
    this.inbox.push(request)
    this.sent.push(request)
  }

  close(code?: number): void {
    if (this.readyState === 0) throw new Error('closed before it was open: a browser logs this')
    this.closedWith = code
    this.gone()
  }

  // The server's end.

  accept(): void {
    const { closing, heartbeat } = this.server
    this.readyState = 1
    this.onopen?.()
    if (closing) return this.cut(closing.code, closing.reason)
    this.deliver({ op: 'welcome', session: 's1', heartbeat, max_subscriptions: 100 })
  }

  cut(code = 1006, reason = ''): void {
    this.gone()
    this.onclose?.({ code, reason })
  }

  private gone(): void {
    this.readyState = 3
    this.held.clear()
    this.server.sockets = this.server.sockets.filter((s) => s !== this)
  }

  /** Delivers a frame to the client, whether or not the protocol allows it now. */
  deliver(frame: object | string): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }

  /** Reads one request. It returns whether there was one. */
  readOne(): boolean {
    const request = this.inbox.shift()
    if (!request) return false
    if (request.op === 'subscribe') this.subscribe(request)
    if (request.op === 'unsubscribe') {
      this.held.delete(this.server.spell(request.topic))
      this.outbox.push(JSON.stringify({ op: 'unsubscribed', topic: request.topic }))
    }
    if (request.op === 'ping') this.pongsDue.push('pong')
    return true
  }

  private subscribe(request: Request & { op: 'subscribe' }): void {
    const { server } = this
    const topic = server.spell(request.topic)
    const refusal = server.refuse(request)
    this.held.delete(topic)
    if (refusal) return void this.outbox.push(JSON.stringify({ op: 'error', topic: request.topic, ...refusal }))
    const known = request.since ? server.place(request.since) : undefined
    const all = server.log.filter((e) => below(e.topic, topic))
    const good = known?.epoch === server.epoch
    const place = good ? new Set(known.passed) : new Set(server.log.map((e) => e.id))
    const queue = good ? all.filter((e) => !known.passed.has(e.id)).sort(byId) : []
    const answer = {
      op: 'subscribed',
      topic,
      ...(topic !== request.topic && { requested: request.topic }),
      cursor: good ? request.since : server.now(),
      ...(request.since && { recovered: good, ...(!good && { reason: 'epoch' }) }),
      ...(request.snapshot && { snapshot: all.map((e) => ({ ...e.data, id: e.id })) }),
    }
    this.held.set(topic, { answer: [JSON.stringify(answer)], place, queue })
  }

  /** Sends one frame: an answer or a topic's next event, or a pong if nothing else waits. It returns whether there was one. */
  sendOne(pick: (from: number) => number = () => 0): boolean {
    const ready = [...this.held].filter(([, held]) => held.answer?.length || held.queue.length)
    const n = (this.outbox.length ? 1 : 0) + ready.length
    if (!n) return this.sendPong()
    const choice = pick(n)
    if (choice >= ready.length) this.deliver(this.outbox.shift()!)
    else this.event(...ready[choice]!)
    return true
  }

  private sendPong(): boolean {
    const op = this.pongsDue.shift()
    if (op) this.deliver({ op, cursor: this.server.now() })
    return !!op
  }

  private event(followed: string, held: Held): void {
    const answer = held.answer?.shift()
    if (answer) return this.deliver(answer)
    const event = held.queue.shift()!
    held.place.add(event.id)
    const frame: EventFrame = { op: 'event', ...event, time: '2026-11-20T12:00:00.5Z' }
    if (followed !== event.topic) frame.followed = followed
    if (!this.server.bare(event)) frame.cursor = this.server.cursor(held.place)
    this.deliver(frame)
  }

  /** Reads and sends until nothing is left to do. */
  run(): void {
    for (let steps = 0; this.readOne() || this.sendOne(); steps++) if (steps > 100_000) throw new Error('the exchange does not end')
  }
}
