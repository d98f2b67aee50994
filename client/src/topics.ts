import { deliver, each, enroll, type Cohort, type Follower } from './cohort.js'
import type { Connection } from './connection.js'
import { halt, lose, newEntry, place, reset, revive, settle, tell, tidy, type Entry } from './entry.js'
import { RowcallError } from './error.js'
import type { ErrorFrame, EventFrame, Frame, SubscribedFrame } from './frames.js'

const linger = 5_000 // how long a socket is kept that nobody needs
const again = 200 // to the next ping, after a pong that could not say that all is delivered
const name = /^(?!.{201})[\w:.-]+(\/[\w:.-]+)*$/

/** All topics of a client. */
export function openTopics(connection: Connection) {
  const entries = new Map<string, Entry>()
  const spellings = new Map<string, string>() // the server's, by the client's
  let idle: ReturnType<typeof setTimeout> | undefined
  let asking: ReturnType<typeof setTimeout> | undefined

  const find = (topic = '') => entries.get(spellings.get(topic) ?? topic)

  function follow(follower: Follower, since?: string): void {
    const { topic, snapshot } = follower
    if (!name.test(topic)) return halt(follower, new RowcallError('bad_request', 'no topic'))
    const entry = find(topic) ?? newEntry(topic)
    entries.set(entry.topic, entry)
    if (entry.stopped) revive(entry)
    enroll(follower, place(entry, since, !!snapshot))
    if (connection.status === 'stopped') halt(follower, connection.error!)
    else if (entry.fed.includes(follower.cohort!)) follower.status('live')
    clearTimeout(idle)
    connection.start()
    advance(entry)
  }

  /** Leaves a topic. It is told to the server a moment later: who leaves often comes back at once, or somebody else does. */
  function leave(follower: Follower): void {
    follower.cohort?.followers.delete(follower)
    follower.cohort = undefined
    setTimeout(() => advance(find(follower.topic)))
  }

  /** Does what is to be done next for a topic. */
  function advance(entry?: Entry): void {
    if (!entry || entry.asked) return
    tidy(entry)
    const { cohorts, fed, settled } = entry
    if (!cohorts[0]) drop(entry)
    else if (connection.status !== 'open' || entry.stopped) return
    else if (fed.length === cohorts.length) settled || confirm()
    else {
      if (settled && fed[0] === cohorts.at(entry.turn)) entry.turn++
      const turn = cohorts.at(entry.turn)
      if (!turn) ask(entry, [...cohorts])
      else if (turn === entry.refused) return
      else if (turn !== fed[0] || fed[1]) ask(entry, [turn])
      else confirm()
    }
  }

  /** Asks for what follows the place of the first of some cohorts. */
  function ask(entry: Entry, feed: Cohort[]): void {
    const { topic } = entry
    const { snapshot, cursor } = feed[0]!
    entry.asked = feed
    entry.overdue = false
    entry.settled = snapshot || !cursor
    connection.send(snapshot ? { op: 'subscribe', topic, snapshot } : { op: 'subscribe', topic, since: cursor })
  }

  /** Asks the server to say when everything has been delivered. */
  function confirm(delay = 0): void {
    asking ??= setTimeout(connection.send, delay, { op: 'ping' })
  }

  function drop(entry: Entry): void {
    if (entry.held) {
      entry.asked = []
      return connection.send({ op: 'unsubscribe', topic: entry.topic })
    }
    clearTimeout(entry.timer)
    entries.delete(entry.topic)
    clearTimeout(idle)
    if (!entries.size) idle = setTimeout(connection.rest, linger)
  }

  // What the server says.

  function hear(frame: Frame): void {
    const entry = find((frame as { topic?: string }).topic)
    if (frame.op === 'event') arrived(frame)
    else if (frame.op === 'subscribed') subscribed(frame)
    else if (frame.op === 'heartbeat' || frame.op === 'pong') delivered(frame.cursor)
    else if (!entry) return
    else if (frame.op === 'reset') {
      for (const cohort of [...entry.fed]) reset(entry, cohort, frame.reason, frame.cursor)
      advance(entry)
    } else if (frame.op === 'unsubscribed') {
      if (!entry.asked?.length) lose(entry)
      advance(entry)
    } else if (frame.op === 'error') refused(entry, frame)
  }

  function arrived(frame: EventFrame): void {
    const { topic, followed = topic, id, type, data, time, skipped } = frame
    const event = { topic, id, type, data, time, skipped }
    for (const cohort of [...(find(followed)?.fed ?? [])]) deliver(cohort, frame, event)
  }

  function subscribed(frame: SubscribedFrame): void {
    const { topic, requested } = frame
    const entry = find(requested ?? topic)
    const feed = entry?.asked
    if (!entry || !feed?.[0]) return
    entry.asked = undefined
    entry.held = true
    entry.fed = feed
    for (const cohort of [...feed]) begin(entry, cohort, frame)
    if (requested) respell(entry, topic)
    advance(entry)
  }

  function begin(entry: Entry, cohort: Cohort, { recovered, reason = '', cursor, snapshot }: SubscribedFrame): void {
    cohort.cursor = cursor
    cohort.snapshot = false
    if (recovered === false) reset(entry, cohort, reason, cursor)
    each(cohort, (f) => {
      f.status('live')
      if (snapshot) f.snapshot?.(snapshot)
    })
  }

  /** The server has another spelling, and has replaced what it held under that one. */
  function respell(entry: Entry, topic: string): void {
    const other = entries.get(topic)
    spellings.set(entry.topic, topic)
    entries.delete(entry.topic)
    entries.set((entry.topic = topic), entry)
    if (!other) return
    clearTimeout(other.timer)
    entry.cohorts.push(...other.cohorts)
  }

  function refused(entry: Entry, { code, message, retryable, retry_after = 5 }: ErrorFrame): void {
    const { asked, fed, cohorts } = entry
    if (asked && !asked[0]) return // an answer to leaving follows
    const feed = asked ?? fed
    const later = retryable || code === 'too_many_subscriptions'
    const error = new RowcallError(code, message, later)
    lose(entry)
    if (code === 'bad_cursor') for (const cohort of feed) reset(entry, cohort, code)
    else if (later) {
      clearTimeout(entry.timer)
      entry.refused = feed[0]
      entry.timer = setTimeout(retry, retry_after * 1000 * (1 + Math.random()), entry)
      tell(entry, (f) => (f.status('pending'), f.error(error)))
    } else if (code === 'bad_request' && feed[0]?.snapshot) {
      cohorts.splice(cohorts.indexOf(feed[0]), 1) // the others need no snapshot
      each(feed[0], (f) => halt(f, error))
    } else {
      entry.stopped = error
      tell(entry, (f) => halt(f, error))
    }
    advance(entry)
  }

  function retry(entry: Entry): void {
    entry.refused = undefined
    advance(entry)
  }

  /** Everything has been delivered up to the cursor, on all topics; without one, something is still on its way. */
  function delivered(cursor: string | undefined): void {
    clearTimeout(asking)
    asking = undefined
    for (const entry of [...entries.values()]) {
      if (entry.asked) {
        // The server has nothing to answer. Said twice, it has not crossed what was asked: another spelling came in between.
        if (cursor && entry.overdue) connection.restart()
        entry.overdue = !!cursor
      } else if (entry.held) {
        if (cursor) settle(entry, cursor)
        else if (!entry.settled) confirm(again)
      }
      advance(entry)
    }
  }

  // What becomes of the connection.

  /** It is open: everything is asked for. */
  function up(): void {
    for (const entry of entries.values()) advance(entry)
  }

  /** It is lost: everything has to be asked for again. */
  function down(): void {
    clearTimeout(asking)
    asking = undefined
    for (const entry of entries.values()) {
      lose(entry)
      clearTimeout(entry.timer)
      entry.refused = undefined
      if (!entry.stopped) tell(entry, (f) => f.status('pending'))
    }
  }

  /** It stays away: for good, where there is no error. */
  function stop(error?: RowcallError): void {
    for (const entry of entries.values()) tell(entry, (f) => (error ? halt(f, error) : f.status('closed')))
  }

  return { follow, leave, hear, up, down, stop, revive: () => entries.forEach(revive) }
}
