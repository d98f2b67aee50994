import type { RowcallError } from './error.js'

/** Augment this interface to declare the rows and events of your topics, once for all clients; see Database. */
export interface Register {}

/**
 * The rows and events of topics, by the patterns of the server's settings:
 *
 *     interface Mine {
 *       'room/{id}': { row: Message; events: { chat_message_created: Message; chat_message_deleted: { id: string } } }
 *     }
 */
export type Database = object

/** The database that Register declares. If it declares none, events and rows have type any. */
export type Registered = Register extends { database: infer D extends Database } ? D : {}

type Spelled<P extends string> = P extends `${infer Before}{${string}}${infer After}` ? `${Before}${string}${Spelled<After>}` : P

/** Whether a part of a topic can be the part of a pattern: any text but the empty one where the pattern has a parameter. */
type PartFits<T extends string, P extends string> = P extends `{${string}}` ? (T extends '' ? false : true) : string extends T ? true : T extends P ? true : false

/** Whether a topic is of a pattern. For a union of topics it is `boolean` if some are, and others are not. */
type Fits<T extends string, P extends string> = P extends `${infer PartP}/${infer RestP}`
  ? T extends `${infer PartT}/${infer RestT}`
    ? PartFits<PartT, PartP> extends true
      ? Fits<RestT, RestP>
      : false
    : false
  : T extends `${string}/${string}`
    ? false
    : PartFits<T, P>

/** Whether topics of a pattern are a topic, or below it. */
type IsHeard<T extends string, P extends string> = T extends `${infer PartT}/${infer RestT}`
  ? P extends `${infer PartP}/${infer RestP}`
    ? PartFits<PartT, PartP> extends true
      ? IsHeard<RestT, RestP>
      : false
    : false
  : P extends `${infer PartP}/${string}`
    ? PartFits<T, PartP>
    : PartFits<T, P>

/** All topics of a database, such as `room/${string}`. Without a database: any text. */
export type TopicOf<D> = keyof D extends never ? string : Spelled<keyof D & string>

/** The type of an argument that is a topic: T if it is a topic of the database, or a text that is not known to the compiler. */
export type TopicArgument<D, T extends string> = keyof D extends never
  ? T
  : string extends T | keyof D
    ? T
    : T extends string
      ? true extends { [P in keyof D & string]: Fits<T, P> }[keyof D & string]
        ? T
        : T extends TopicOf<D>
          ? never // it has too many parts, or an empty one
          : TopicOf<D>
      : never

/** The entries of a database whose events a follower of a topic receives: the topic's own entry, and those below it. */
type Followed<D, T extends string> = {
  [P in keyof D & string]: string extends T ? D[P] : true extends IsHeard<T, P> ? D[P] : never
}[keyof D & string]

type Listed<E> = { [K in keyof E & string]: RowcallEvent<K, E[K]> }[keyof E & string]

/** The events that a follower of a topic receives. */
export type EventOf<D, T extends string> = [Followed<D, T>] extends [never]
  ? RowcallEvent
  : Followed<D, T> extends infer F ? (F extends { events: infer E } ? Listed<E> : RowcallEvent) : never

/** A row of a topic's snapshot. */
export type RowOf<D, T extends string> = {
  [P in keyof D & string]: true extends Fits<T, P> ? (D[P] extends { row: infer R } ? R : never) : never
}[keyof D & string] extends infer R ? ([R] extends [never] ? any : R) : never

/** One committed fact on one topic. */
export interface RowcallEvent<Type extends string = string, Data = any> {
  /** The topic that the event is filed under: the followed topic, or one below it. */
  readonly topic: string
  /** Unique within one history (epoch) of the log. */
  readonly id: string
  readonly type: Type
  readonly data: Data
  /** When the statement wrote the event: RFC 3339, in UTC. */
  readonly time: string
  /** How many older events of the same key this event replaces, on topics with `slow: latest`. */
  readonly skipped?: number
}

/** Where an event stands in the log. */
export interface Position {
  /** The topic that is followed. */
  topic: string
  /** The cursor to resume after this event. */
  cursor: string | undefined
}

/** A gap: events are missing, so what you know of the topic is out of date. Events go on from the cursor. */
export interface Reset {
  /** expired, epoch, overflow, truncate, schema, triggers or bad_cursor; servers may send others. */
  reason: string
  /** Undefined while it is not known. */
  cursor: string | undefined
}

/**
 * - idle: no topic is followed
 * - connecting, open
 * - waiting: the connection is lost or could not be opened; the client will try again
 * - stopped: the client will not try again until `reconnect` is called; `error` says why
 * - closed: `close` was called
 */
export type Status = 'idle' | 'connecting' | 'open' | 'waiting' | 'stopped' | 'closed'

/**
 * - pending: the server has not answered yet, or the connection is lost
 * - live: every event that is committed from now on is delivered
 * - stopped: the server refused the topic, or the client is stopped
 * - closed: the subscription was ended, or the client was closed
 */
export type SubscriptionStatus = 'pending' | 'live' | 'stopped' | 'closed'

export interface SubscribeOptions {
  /** The cursor to resume after. Without it, the subscription starts now. An empty string is a lost cursor: a reset is reported. */
  since?: string
  onStatus?: (status: SubscriptionStatus) => void
  /** Called when events are missing. Without this handler, a gap goes unnoticed. */
  onReset?: (reset: Reset) => void
  /** Called for each error of the server, including those after which the client tries again (`retryable`). */
  onError?: (error: RowcallError) => void
  /** Unsubscribes. */
  signal?: AbortSignal
}

export interface Subscription {
  readonly topic: string
  readonly status: SubscriptionStatus
  /** Pass this as `since` to resume later, or in another process. */
  readonly cursor: string | undefined
  /** Why the subscription is stopped; or, while it is pending, why the connection is not open. */
  readonly error: RowcallError | undefined
  unsubscribe(): void
}

export interface EventsOptions {
  since?: string
  /** Ends the iteration. */
  signal?: AbortSignal
  /** Called when events are missing. Without this handler, a gap ends the iteration with an error of code `reset`. */
  onReset?: (reset: Reset) => void
  /**
   * How many events may wait for the loop (1,000). At the limit the client unsubscribes; it resumes by cursor when the loop
   * has taken them.
   */
  buffer?: number
}

/**
 * - loading: there is no state yet
 * - live: the state is up to date
 * - stale: the state may be out of date, because the connection is lost or a new snapshot is on its way
 * - stopped: the server refused the topic, or the client is stopped; `error` says why
 *
 * While it is loading or stale, `error` says why the connection is not open, if it is not.
 */
export type LiveStatus = 'loading' | 'live' | 'stale' | 'stopped'

/** A live state at one moment. The object stays the same until one of its fields changes. */
export interface LiveSnapshot<S> {
  readonly state: S | undefined
  readonly status: LiveStatus
  readonly error: RowcallError | undefined
  /** Whether the snapshot was cut at the server's limit: the topic has more rows than the state was made from. */
  readonly truncated: boolean
}

export interface LiveOptions<S, Event = RowcallEvent, Row = any> {
  topic: string
  /** Returns the state after an event; the same object if nothing changes. Without it, rows are kept by `key`. */
  reduce?: (state: S, event: Event) => S
  /** Returns the state for the rows of a snapshot. Without it, the rows are the state. */
  from?: (rows: Row[]) => S
  /** The first state, for topics without a snapshot: then none is taken. */
  initial?: S
  /** The key field of the rows (`id`), if there is no `reduce`. */
  key?: string
}

/** A topic's state, kept up to date by its events while it has subscribers. */
export interface Live<S> {
  getSnapshot(): LiveSnapshot<S>
  /** Calls a function soon after each change. Returns a function that ends this. */
  subscribe(changed: () => void): () => void
}

export interface ClientOptions {
  /** The server's address, `https://api.example.org`, or that of its native socket. Without it, the page's own server. */
  url?: string | URL
  /**
   * Returns a JWT, or null for an anonymous session. It is called before each attempt to connect and before a token expires.
   * `fresh` is true if the last token was refused or is about to expire. Without this option, cookies identify the user.
   */
  getToken?: (why: { fresh: boolean }) => string | null | undefined | Promise<string | null | undefined>
  /** The smallest and largest upper bound of the random delay between attempts to connect, in milliseconds (500; 20,000). */
  backoff?: { min?: number; max?: number }
  /** The WebSocket class to use. Node before version 22 has none: pass the class of the package `ws`. */
  WebSocket?: new (url: string, protocols?: string[]) => any
}

export interface Client<D extends Database = Registered> {
  readonly status: Status
  /** Why the client is stopped, or could not connect; undefined while the connection is open. */
  readonly error: RowcallError | undefined
  /** Calls a function after each change of the status. Returns a function that ends this. */
  onStatus(changed: (status: Status) => void): () => void
  /**
   * Follows a topic, and all topics below it. A topic that the client's Database does not list is refused by the compiler; a
   * `string` is not.
   */
  subscribe<const T extends string>(topic: TopicArgument<D, T>, handler: (event: EventOf<D, T>, at: Position) => void, options?: SubscribeOptions): Subscription
  /** Returns the events of a topic for a loop: `for await (const event of client.events('room/5'))`. */
  events<const T extends string>(topic: TopicArgument<D, T>, options?: EventsOptions): AsyncIterableIterator<EventOf<D, T>>
  /** Returns a topic's snapshot, kept up to date by its events. */
  live<const T extends string, S = RowOf<D, T>[]>(options: LiveOptions<S, EventOf<D, T>, RowOf<D, T>> & { topic: TopicArgument<D, T> }): Live<S>
  /** Connects again, and requests the refused topics again. Call it after a login or a logout. */
  reconnect(): void
  /** Ends all subscriptions and the connection, for good. */
  close(): void
}
