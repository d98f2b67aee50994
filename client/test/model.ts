import type { EventFrame, Request } from '../src/frames.js'

/** An event as a transaction has filed it. */
export interface Filed {
  id: string
  topic: string
  type: string
  data: any
}

/** What a cursor stands for: the events it has passed, in one history of the log. */
interface Place {
  epoch: number
  passed: Set<string>
}

/** A topic that a socket holds. */
interface Held {
  answer?: string[] // what is to be said before the queue
  place: Set<string> // what was said, or need not be
  queue: Filed[]
}

/**
 * A server after docs/protocol.md: one log, cursors that stand for sets of events, replays in the order of ids, live events
 * in the order of commits. Nothing moves by itself: sockets take requests and give frames one by one.
 */
export class Model {
  log: Filed[] = []
  epoch = 1
  sockets: FakeSocket[] = []
  /** Events that carry no cursor, as in the middle of a large transaction. */
  bare: (event: Filed) => boolean = () => false
  /** How a subscribe is answered instead, if at all. */
  refuse: (request: { topic: string }) => object | undefined = () => undefined
  spell: (topic: string) => string = (topic) => topic
  closing: { code: number; reason: string } | undefined // of the next handshake
  heartbeat = 25_000
  private places = new Map<string, Place>()
  private count = 0

  /** Commits events together. Ids may have been drawn before those of events that committed earlier. */
  commit(...events: Filed[]): void {
    this.log.push(...events)
    for (const socket of this.sockets) for (const [topic, held] of socket.held) held.queue.push(...events.filter((e) => below(e.topic, topic)))
  }

  cursor(passed: Iterable<string>): string {
    const text = `c${this.count++}`
    this.places.set(text, { epoch: this.epoch, passed: new Set(passed) })
    return text
  }

  /** The cursor of now. */
  now(): string {
    return this.cursor(this.log.map((e) => e.id))
  }

  place(cursor: string): Place | undefined {
    return this.places.get(cursor)
  }

  /** A crash of the database: cursors are of no use, and ids are used again. */
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

  /** The class that a client is given. */
  get WebSocket() {
    const model = this
    return class extends FakeSocket {
      constructor(url: string, protocols: string[] = []) {
        super(model, url, protocols)
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
  inbox: Request[] = [] // sent, and not read yet
  sent: Request[] = []
  outbox: string[] = [] // to be heard next
  owed: string[] = []
  held = new Map<string, Held>()
  closedWith: number | undefined

  constructor(
    readonly model: Model,
    readonly url: string,
    readonly protocols: string[],
  ) {
    model.sockets.push(this)
  }

  // The client's end.

  send(text: string): void {
    if (this.readyState !== 1) throw new Error('the socket is not open')
    const request = JSON.parse(text)
    this.inbox.push(request)
    this.sent.push(request)
  }

  close(code?: number): void {
    if (this.readyState === 0) throw new Error('closed before it was open: the console says so')
    this.closedWith = code
    this.gone()
  }

  // The server's end.

  accept(): void {
    const { closing, heartbeat } = this.model
    this.readyState = 1
    this.onopen?.()
    if (closing) return this.cut(closing.code, closing.reason)
    this.hear({ op: 'welcome', session: 's1', heartbeat, max_subscriptions: 100 })
  }

  cut(code = 1006, reason = ''): void {
    this.gone()
    this.onclose?.({ code, reason })
  }

  private gone(): void {
    this.readyState = 3
    this.held.clear()
    this.model.sockets = this.model.sockets.filter((s) => s !== this)
  }

  /** Says a frame, whatever the protocol has to say about that. */
  hear(frame: object | string): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }

  /** Reads one request. It reports whether there was one. */
  read(): boolean {
    const request = this.inbox.shift()
    if (!request) return false
    if (request.op === 'subscribe') this.subscribe(request)
    if (request.op === 'unsubscribe') {
      this.held.delete(this.model.spell(request.topic))
      this.outbox.push(JSON.stringify({ op: 'unsubscribed', topic: request.topic }))
    }
    if (request.op === 'ping') this.owed.push('pong')
    return true
  }

  private subscribe(request: Request & { op: 'subscribe' }): void {
    const { model } = this
    const topic = model.spell(request.topic)
    const refusal = model.refuse(request)
    this.held.delete(topic)
    if (refusal) return void this.outbox.push(JSON.stringify({ op: 'error', topic: request.topic, ...refusal }))
    const known = request.since ? model.place(request.since) : undefined
    const all = model.log.filter((e) => below(e.topic, topic))
    const good = known?.epoch === model.epoch
    const place = good ? new Set(known.passed) : new Set(model.log.map((e) => e.id))
    const queue = good ? all.filter((e) => !known.passed.has(e.id)).sort(byId) : []
    const answer = {
      op: 'subscribed',
      topic,
      ...(topic !== request.topic && { requested: request.topic }),
      cursor: good ? request.since : model.now(),
      ...(request.since && { recovered: good, ...(!good && { reason: 'epoch' }) }),
      ...(request.snapshot && { snapshot: all.map((e) => ({ ...e.data, id: e.id })) }),
    }
    this.held.set(topic, { answer: [JSON.stringify(answer)], place, queue })
  }

  /** Gives one frame: an answer, or a topic's next event, or what is owed when nothing else waits. */
  give(pick: (from: number) => number = () => 0): boolean {
    const ready = [...this.held].filter(([, held]) => held.answer?.length || held.queue.length)
    const n = (this.outbox.length ? 1 : 0) + ready.length
    if (!n) return this.pay()
    const choice = pick(n)
    if (choice >= ready.length) this.hear(this.outbox.shift()!)
    else this.event(...ready[choice]!)
    return true
  }

  private pay(): boolean {
    const op = this.owed.shift()
    if (op) this.hear({ op, cursor: this.model.now() })
    return !!op
  }

  private event(followed: string, held: Held): void {
    const answer = held.answer?.shift()
    if (answer) return this.hear(answer)
    const event = held.queue.shift()!
    held.place.add(event.id)
    const frame: EventFrame = { op: 'event', ...event, time: '2026-11-20T12:00:00.5Z' }
    if (followed !== event.topic) frame.followed = followed
    if (!this.model.bare(event)) frame.cursor = this.model.cursor(held.place)
    this.hear(frame)
  }

  /** Reads and gives until nothing is left to do. */
  flow(): void {
    for (let steps = 0; this.read() || this.give(); steps++) if (steps > 100_000) throw new Error('it never ends')
  }
}
