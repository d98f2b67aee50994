import type { RowcallError } from './error.js'

/** Augment this to say, once, what your database's topics carry; see Database. */
export interface Register {}

/**
 * Topics by their patterns, as in the server's settings, with what is filed under them:
 *
 *     interface Mine {
 *       'room/{id}': { row: Message; events: { chat_message_created: Message; chat_message_deleted: { id: string } } }
 *     }
 */
export type Database = object

/** What Register says, or nothing: then events and rows may be anything. */
export type Registered = Register extends { database: infer D extends Database } ? D : {}

type Spelled<P extends string> = P extends `${infer Before}{${string}}${infer After}` ? `${Before}${string}${Spelled<After>}` : P

/** The entries of a database that a follower of a topic hears of: the topic's own, and those below it. */
type Followed<D, T extends string> = {
  [P in keyof D & string]: string extends T ? D[P] : T extends Spelled<P> ? D[P] : Spelled<P> extends `${T}/${string}` ? D[P] : never
}[keyof D & string]

type Listed<E> = { [K in keyof E & string]: RowcallEvent<K, E[K]> }[keyof E & string]

/** The events that a follower of a topic receives. */
export type EventOf<D, T extends string> = [Followed<D, T>] extends [never]
  ? RowcallEvent
  : Followed<D, T> extends infer F ? (F extends { events: infer E } ? Listed<E> : RowcallEvent) : never

/** A row of a topic's snapshot. */
export type RowOf<D, T extends string> = {
  [P in keyof D & string]: T extends Spelled<P> ? (D[P] extends { row: infer R } ? R : never) : never
}[keyof D & string] extends infer R ? ([R] extends [never] ? any : R) : never

/** One committed fact on one topic. */
export interface RowcallEvent<Type extends string = string, Data = any> {
  /** What it is filed under: the topic that is followed, or one below it. */
  readonly topic: string
  /** Unique within one history of the log. */
  readonly id: string
  readonly type: Type
  readonly data: Data
  /** When its statement wrote it: RFC 3339, in UTC. */
  readonly time: string
  /** How many older events of its key it stands for, on topics with `slow: latest`. */
  readonly skipped?: number
}

/** Where an event stands. */
export interface Position {
  /** The topic that is followed. */
  topic: string
  /** Where to resume from after this event. */
  cursor: string | undefined
}

/** A gap: what is known of the topic is out of date, and events go on from the cursor. */
export interface Reset {
  /** expired, epoch, overflow, bad_cursor; there may be more. */
  reason: string
  /** Undefined where it is not known yet. */
  cursor: string | undefined
}

/**
 * - idle: nobody follows anything
 * - connecting, open
 * - waiting: the connection is lost, and will be tried again
 * - stopped: it will not, until `reconnect` is called: `error` says why
 * - closed: `close` was called
 */
export type Status = 'idle' | 'connecting' | 'open' | 'waiting' | 'stopped' | 'closed'

/**
 * - pending: not answered yet, or the connection is lost
 * - live: whatever commits from now on is heard
 * - stopped: the server has refused it, or the client is stopped
 * - closed: it is over
 */
export type SubscriptionStatus = 'pending' | 'live' | 'stopped' | 'closed'

export interface SubscribeOptions {
  /** The cursor to resume after; without one, from now. */
  since?: string
  onStatus?: (status: SubscriptionStatus) => void
  /** Without it a gap is not told to anybody. */
  onReset?: (reset: Reset) => void
  /** Every refusal of the server's, also those that are tried again by themselves (`retryable`). */
  onError?: (error: RowcallError) => void
  /** Unsubscribes. */
  signal?: AbortSignal
}

export interface Subscription {
  readonly topic: string
  readonly status: SubscriptionStatus
  /** Where to resume from: pass it as `since` to go on later, elsewhere. */
  readonly cursor: string | undefined
  /** Why it is stopped. */
  readonly error: RowcallError | undefined
  unsubscribe(): void
}

export interface EventsOptions {
  since?: string
  /** Ends the iteration. */
  signal?: AbortSignal
  /** Without it, a gap ends the iteration with an error whose code is `reset`. */
  onReset?: (reset: Reset) => void
  /** How many events may wait for the loop (1,000). Past it the topic is left, and resumed by its cursor when they are taken. */
  buffer?: number
}

/**
 * - loading: there is no state yet
 * - live
 * - stale: there is one, and the connection is lost, or a new snapshot is on its way
 * - stopped: as with subscriptions; `error` says why
 */
export type LiveStatus = 'loading' | 'live' | 'stale' | 'stopped'

/** What a live state is at one moment. The object stays the same until one of its fields changes. */
export interface LiveSnapshot<S> {
  readonly state: S | undefined
  readonly status: LiveStatus
  readonly error: RowcallError | undefined
}

export interface LiveOptions<S, Event = RowcallEvent, Row = any> {
  topic: string
  /** The state after an event. Return the same state where nothing changes. Without it, rows are kept by `key`. */
  reduce?: (state: S, event: Event) => S
  /** The state that a snapshot's rows make. Without it, the rows are the state. */
  from?: (rows: Row[]) => S
  /** The state to begin with, in place of a snapshot: for topics that have none. */
  initial?: S
  /** The field that tells rows apart (`id`), where there is no `reduce`. */
  key?: string
}

/** A topic's state that follows its events. It does so while it is subscribed to. */
export interface Live<S> {
  getSnapshot(): LiveSnapshot<S>
  /** Calls back, soon, after something changed. The result unsubscribes. */
  subscribe(changed: () => void): () => void
}

export interface ClientOptions {
  /** Of the server: `https://api.example.org`, or the full address of its native socket. Without it, the page's own server. */
  url?: string | URL
  /**
   * A JWT, or nothing for an anonymous session; without this option, cookies say who connects. Asked before every connect and before a
   * token expires. `fresh` is true where the last one was refused or is about to expire.
   */
  getToken?: (why: { fresh: boolean }) => string | null | undefined | Promise<string | null | undefined>
  /** Bounds of the waits between attempts to connect, in milliseconds: 500 and 20,000. */
  backoff?: { min?: number; max?: number }
  /** Where there is none, as in Node before version 22: the class of the package `ws`. */
  WebSocket?: new (url: string, protocols?: string[]) => any
}

export interface Client<D extends Database = Registered> {
  readonly status: Status
  /** Why it is stopped or waiting, where that is known. */
  readonly error: RowcallError | undefined
  /** Calls back whenever the status changes. The result ends that. */
  onStatus(changed: (status: Status) => void): () => void
  /** Follows a topic, and everything below it. */
  subscribe<const T extends string>(topic: T, handler: (event: EventOf<D, T>, at: Position) => void, options?: SubscribeOptions): Subscription
  /** The same for a loop: `for await (const event of client.events('room/5'))`. */
  events<const T extends string>(topic: T, options?: EventsOptions): AsyncIterableIterator<EventOf<D, T>>
  /** A topic's snapshot, kept up to date. */
  live<const T extends string, S = RowOf<D, T>[]>(options: LiveOptions<S, EventOf<D, T>, RowOf<D, T>> & { topic: T }): Live<S>
  /** Connects anew, as whoever is logged in now, and asks again for what was refused. Call it after a login or logout. */
  reconnect(): void
  /** Ends everything, for good. */
  close(): void
}
