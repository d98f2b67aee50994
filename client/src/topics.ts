import { deliver, enroll, forEachFollower, type Cohort, type Follower } from './cohort.js'
import type { Connection } from './connection.js'
import {
  clearRefusal, cohortFor, forEveryFollower, markCaughtUp, markUnsubscribed, newEntry, nextStep, passTurn, regroup, resetCohort, stopFollower, type Entry,
} from './entry.js'
import { RowcallError } from './error.js'
import type { ErrorFrame, EventFrame, Frame, SubscribedFrame } from './frames.js'

const socketLinger = 5_000 // how long the socket stays open after the last follower has left
const confirmAgainAfter = 200 // time until the next ping, after a pong that did not confirm everything
const retryAfter = 5 // seconds to wait after a temporary refusal without retry_after
const topicName = /^(?!.{201})[!-.0-~]+(\/[!-.0-~]+)*$/ // the server refuses what else is wrong

export type Topics = ReturnType<typeof openTopics>

/** All topics that a client follows, over one connection. */
export function openTopics(connection: Connection) {
  const entries = new Map<string, Entry>() // by the server's spelling, where it is known
  const spellings = new Map<string, string>() // the server's spelling, by the client's
  let restTimer: ReturnType<typeof setTimeout> | undefined
  let confirmTimer: ReturnType<typeof setTimeout> | undefined

  const find = (topic = '') => entries.get(spellings.get(topic) ?? topic)

  function follow(follower: Follower, since?: string): void {
    const { topic, snapshot } = follower
    if (!topicName.test(topic)) return stopFollower(follower, new RowcallError('bad_request', 'no topic'))
    const entry = find(topic) ?? newEntry(topic)
    entries.set(entry.topic, entry)
    if (entry.refusal) clearRefusal(entry)
    enroll(follower, cohortFor(entry, since, !!snapshot))
    if (connection.status === 'stopped') stopFollower(follower, connection.error!)
    else if (entry.receiving.includes(follower.cohort!)) follower.status('live')
    clearTimeout(restTimer)
    connection.start()
    advance(entry)
  }

  /** Removes a follower. The server is told a moment later, because a follower that leaves is often replaced at once. */
  function leave(follower: Follower): void {
    follower.cohort?.followers.delete(follower)
    follower.cohort = undefined
    setTimeout(() => advance(find(follower.topic)))
  }

  /** Takes the next step for a topic, unless a request is in flight. Call it after each change. */
  function advance(entry?: Entry): void {
    if (!entry || entry.awaiting) return
    regroup(entry)
    passTurn(entry)
    switch (nextStep(entry, connection.status === 'open')) {
      case 'forget':
        return forget(entry)
      case 'unsubscribe':
        return unsubscribe(entry)
      case 'confirm':
        return confirm()
      case 'turn':
        return subscribe(entry, [entry.cohorts.at(entry.turn)!])
      case 'all':
        return subscribe(entry, [...entry.cohorts])
    }
  }

  function forget(entry: Entry): void {
    clearTimeout(entry.retryTimer)
    entries.delete(entry.topic)
    clearTimeout(restTimer)
    if (!entries.size) restTimer = setTimeout(connection.rest, socketLinger)
  }

  function unsubscribe(entry: Entry): void {
    entry.awaiting = []
    connection.send({ op: 'unsubscribe', topic: entry.topic })
  }

  /** Subscribes for some cohorts, from the position of the first. This replaces the subscription that the server holds. */
  function subscribe(entry: Entry, cohorts: Cohort[]): void {
    const { topic } = entry
    const { snapshot, cursor } = cohorts[0]!
    entry.awaiting = cohorts
    entry.nothingLeft = false
    entry.caughtUp = snapshot || !cursor
    connection.send(snapshot ? { op: 'subscribe', topic, snapshot } : { op: 'subscribe', topic, since: cursor })
  }

  /** Asks the server with a ping whether everything has been delivered. */
  function confirm(delay = 0): void {
    confirmTimer ??= setTimeout(connection.send, delay, { op: 'ping' })
  }

  // Frames from the server.

  function receive(frame: Frame): void {
    const entry = find((frame as { topic?: string }).topic)
    if (frame.op === 'event') onEvent(frame)
    else if (frame.op === 'subscribed') onSubscribed(frame)
    else if (frame.op === 'heartbeat' || frame.op === 'pong') onDelivered(frame.cursor)
    else if (!entry) return
    else if (frame.op === 'reset') {
      for (const cohort of [...entry.receiving]) resetCohort(entry, cohort, frame.reason, frame.cursor)
      advance(entry)
    } else if (frame.op === 'unsubscribed') {
      if (!entry.awaiting?.length) markUnsubscribed(entry)
      advance(entry)
    } else if (frame.op === 'error') onRefused(entry, frame)
  }

  function onEvent(frame: EventFrame): void {
    const { topic, followed = topic, id, type, data, time, skipped } = frame
    const event = { topic, id, type, data, time, skipped }
    for (const cohort of [...(find(followed)?.receiving ?? [])]) deliver(cohort, frame, event)
  }

  function onSubscribed(frame: SubscribedFrame): void {
    const { topic, requested } = frame
    const entry = find(requested ?? topic)
    const cohorts = entry?.awaiting
    if (!entry || !cohorts?.[0]) return
    entry.awaiting = undefined
    entry.held = true
    entry.receiving = cohorts
    for (const cohort of [...cohorts]) begin(entry, cohort, frame)
    if (requested) rename(entry, topic)
    advance(entry)
  }

  function begin(entry: Entry, cohort: Cohort, { recovered, reason = '', cursor, snapshot, truncated = false }: SubscribedFrame): void {
    cohort.cursor = cursor
    cohort.snapshot = false
    if (recovered === false) resetCohort(entry, cohort, reason, cursor)
    forEachFollower(cohort, (follower) => {
      follower.status('live')
      if (snapshot) follower.snapshot?.(snapshot, truncated)
    })
  }

  /** Files an entry under the server's spelling. An entry of that name has lost its subscription to this one: they are merged. */
  function rename(entry: Entry, topic: string): void {
    const other = entries.get(topic)
    spellings.set(entry.topic, topic)
    entries.delete(entry.topic)
    entries.set((entry.topic = topic), entry)
    if (!other) return
    clearTimeout(other.retryTimer)
    entry.cohorts.push(...other.cohorts)
  }

  function onRefused(entry: Entry, { code, message, retryable, retry_after = retryAfter }: ErrorFrame): void {
    const { awaiting, receiving, cohorts } = entry
    if (awaiting && !awaiting[0]) return // an unsubscribe is in flight: its answer follows
    const refused = awaiting ?? receiving
    const again = retryable || code === 'too_many_subscriptions'
    const error = new RowcallError(code, message, again)
    markUnsubscribed(entry)
    if (code === 'bad_cursor') for (const cohort of refused) resetCohort(entry, cohort, code)
    else if (again) {
      clearTimeout(entry.retryTimer)
      entry.delayed = refused[0]
      entry.retryTimer = setTimeout(retry, retry_after * 1000 * (1 + Math.random()), entry)
      forEveryFollower(entry, (follower) => (follower.status('pending'), follower.error(error)))
    } else if (code === 'bad_request' && refused[0]?.snapshot) {
      cohorts.splice(cohorts.indexOf(refused[0]), 1) // the topic has no snapshot; the other cohorts need none
      forEachFollower(refused[0], (follower) => stopFollower(follower, error))
    } else {
      entry.refusal = error
      forEveryFollower(entry, (follower) => stopFollower(follower, error))
    }
    advance(entry)
  }

  function retry(entry: Entry): void {
    entry.delayed = undefined
    advance(entry)
  }

  /**
   * Handles a heartbeat or pong. With a cursor, everything up to it has been delivered on all topics; without one, some
   * events are still on their way.
   */
  function onDelivered(cursor: string | undefined): void {
    clearTimeout(confirmTimer)
    confirmTimer = undefined
    for (const entry of [...entries.values()]) {
      if (entry.awaiting) {
        // One such frame may have crossed the request. After a second one, the answer is lost: the server answered under
        // another spelling of the topic.
        if (cursor && entry.nothingLeft) connection.restart()
        entry.nothingLeft = !!cursor
      } else if (entry.held) {
        if (cursor) markCaughtUp(entry, cursor)
        else if (!entry.caughtUp) confirm(confirmAgainAfter)
      }
      advance(entry)
    }
  }

  // Changes of the connection.

  /** The connection is open: every topic is requested. */
  function onOpen(): void {
    for (const entry of entries.values()) {
      setPending(entry)
      advance(entry)
    }
  }

  /** The connection could not be opened, and will be tried again: followers learn why. */
  function onFailed(why?: RowcallError): void {
    for (const entry of entries.values()) setPending(entry, why)
  }

  function setPending(entry: Entry, why?: RowcallError): void {
    if (!entry.refusal) forEveryFollower(entry, (follower) => follower.status('pending', why))
  }

  /** The connection is lost: every topic has to be requested again. */
  function onLost(): void {
    clearTimeout(confirmTimer)
    confirmTimer = undefined
    for (const entry of entries.values()) {
      markUnsubscribed(entry)
      clearTimeout(entry.retryTimer)
      entry.delayed = undefined
      setPending(entry)
    }
  }

  /** The client will not connect again by itself: because of an error, or because it was closed. */
  function onStopped(error?: RowcallError): void {
    for (const entry of entries.values())
      forEveryFollower(entry, (follower) => (error ? stopFollower(follower, error) : follower.status('closed')))
  }

  return { follow, leave, receive, onOpen, onLost, onFailed, onStopped, clearRefusals: () => entries.forEach(clearRefusal) }
}
