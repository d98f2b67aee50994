import { guarded, type RowcallError } from './error.js'
import type { EventFrame } from './frames.js'
import type { Position, Reset, RowcallEvent, SubscriptionStatus } from './types.js'

const kept = 256 // ids remembered while nothing is repeated
const bound = 10_000 // and at most: what the server would replay

/** Who follows a topic, and what became of that. */
export interface Follower {
  readonly topic: string
  event(event: RowcallEvent, at: Position): void
  /** There for those who begin with a snapshot, and begin anew with one after a reset. */
  snapshot?: ((rows: any[]) => void) | undefined
  reset(reset: Reset): void
  error(error: RowcallError): void
  status(status: SubscriptionStatus, why?: RowcallError): void
  cohort?: Cohort | undefined
}

/**
 * Followers of one topic who are at the same place: they have received everything up to the cursor, and the events seen
 * besides.
 *
 * An id can come twice where the cursor lags behind what was delivered: after events that carried none, and while cohorts
 * are brought together. It must not be dropped after a reset, since another history of the log may use it again.
 */
export interface Cohort {
  followers: Set<Follower>
  /** Undefined before the first answer. */
  cursor: string | undefined
  /** They wait for a snapshot. */
  snapshot: boolean
  seen: Set<string>
}

export function newCohort(cursor: string | undefined): Cohort {
  return { followers: new Set(), cursor, snapshot: false, seen: new Set() }
}

export function enroll(follower: Follower, to: Cohort): void {
  follower.cohort?.followers.delete(follower)
  follower.cohort = to
  to.followers.add(follower)
}

/** Moves all followers of a cohort to another. */
export function unite(from: Cohort, to: Cohort): void {
  for (const follower of [...from.followers]) enroll(follower, to)
}

/** Calls each of a cohort's followers, but none who leaves meanwhile. */
export function each(cohort: Cohort, call: (follower: Follower) => void): void {
  for (const follower of [...cohort.followers]) if (follower.cohort === cohort) guarded(() => call(follower))
}

/** Delivers an event, unless the cohort has had it. */
export function deliver(cohort: Cohort, { id, cursor = cohort.cursor }: EventFrame, event: RowcallEvent): void {
  const { seen } = cohort
  cohort.cursor = cursor
  if (seen.has(id)) return
  seen.add(id)
  forget(cohort, bound)
  each(cohort, (follower) => follower.event(event, { topic: follower.topic, cursor }))
}

/** Keeps the last ids only: as many as the server would replay, and few when nothing can come again. */
export function forget({ seen }: Cohort, most = kept): void {
  for (const id of seen) {
    if (seen.size <= most) return
    seen.delete(id)
  }
}
