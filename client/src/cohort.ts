import { callSafely, type RowcallError } from './error.js'
import type { EventFrame } from './frames.js'
import type { Position, Reset, RowcallEvent, SubscriptionStatus } from './types.js'

const idsKeptLive = 256 // event ids that a live cohort remembers
const idsKeptAtMost = 10_000 // event ids that any cohort remembers: the most events that the server replays

/** One subscriber to a topic: the callbacks that the client calls, and the cohort that the subscriber belongs to. */
export interface Follower {
  readonly topic: string
  event(event: RowcallEvent, at: Position): void
  /** Present if the follower starts with a snapshot. Such a follower takes another snapshot after a reset. */
  snapshot?: ((rows: any[], truncated: boolean) => void) | undefined
  reset(reset: Reset): void
  error(error: RowcallError): void
  status(status: SubscriptionStatus, why?: RowcallError): void
  cohort?: Cohort | undefined
}

/**
 * Followers of one topic at the same position: each of them has received every event up to the cursor, and the events in
 * `seen`.
 *
 * The server can send an event twice where the cursor is older than the last event: after events without a cursor, and
 * while cohorts are merged. `seen` drops the second copy. A reset clears `seen`, because another history of the log may use
 * the same ids for other events.
 */
export interface Cohort {
  followers: Set<Follower>
  /** Undefined before the server's first answer. */
  cursor: string | undefined
  /** Whether the followers wait for a snapshot. */
  snapshot: boolean
  seen: Set<string>
}

export function newCohort(cursor: string | undefined): Cohort {
  return { followers: new Set(), cursor, snapshot: false, seen: new Set() }
}

/** Moves a follower into a cohort, and out of the one before. */
export function enroll(follower: Follower, to: Cohort): void {
  follower.cohort?.followers.delete(follower)
  follower.cohort = to
  to.followers.add(follower)
}

/** Moves all followers of one cohort into another. */
export function mergeCohort(from: Cohort, to: Cohort): void {
  for (const follower of [...from.followers]) enroll(follower, to)
}

/** Calls a function for each follower of a cohort. A follower that leaves during the loop is not called any more. */
export function forEachFollower(cohort: Cohort, call: (follower: Follower) => void): void {
  for (const follower of [...cohort.followers]) if (follower.cohort === cohort) callSafely(() => call(follower))
}

/** Delivers an event to a cohort, unless the cohort has received it before. */
export function deliver(cohort: Cohort, { id, cursor = cohort.cursor }: EventFrame, event: RowcallEvent): void {
  const { seen } = cohort
  cohort.cursor = cursor
  if (seen.has(id)) return
  seen.add(id)
  trimSeen(cohort, idsKeptAtMost)
  forEachFollower(cohort, (follower) => follower.event(event, { topic: follower.topic, cursor }))
}

/** Drops the oldest ids of `seen`, so that at most `most` remain. The default is for a cohort that is live. */
export function trimSeen({ seen }: Cohort, most = idsKeptLive): void {
  for (const id of seen) {
    if (seen.size <= most) return
    seen.delete(id)
  }
}
