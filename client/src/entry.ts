import { enroll, forEachFollower, mergeCohort, newCohort, trimSeen, type Cohort, type Follower } from './cohort.js'
import type { RowcallError } from './error.js'

/**
 * The state of one topic. The server holds at most one subscription for it, whatever the number of followers.
 *
 * Usually all followers are in one cohort, and it is live. A follower that starts with a snapshot, or with a cursor of its
 * own, starts in a new cohort. The one subscription then serves the cohorts in turns, in rounds:
 *
 *  1. The oldest cohort, so that the others do not delay it.
 *  2. The first (newest) cohort, from its start, until it has received everything up to now.
 *  3. Each other cohort, from its own position, until it has received everything up to now: it is then past the first.
 *  4. All cohorts together, from the position of the first. The others drop what they have seen. When everything up to
 *     now is delivered, they are merged into one cohort.
 *
 * No other order works. Cursors cannot be compared, and ids do not say which event was committed first: a cohort can only
 * drop events that it has seen itself. A lost connection does no harm, since each cohort keeps its cursor and ids. Every
 * other change starts a new round, whose first cohort is requested after the positions of all others are known.
 */
export interface Entry {
  topic: string
  cohorts: Cohort[]
  /** The cohorts that receive what the subscription delivers. */
  receiving: Cohort[]
  /** Whether `receiving` has everything up to some moment after the server's last answer. */
  caughtUp: boolean
  /** The index of the cohort whose turn it is. The length of `cohorts` means all of them; -1 means the oldest, at the start of a round. */
  turn: number
  /**
   * The cohorts that the request in flight is for, none for an unsubscribe; undefined while no request is in flight. There
   * is one request at a time per topic, because answers do not say which request they answer.
   */
  awaiting: Cohort[] | undefined
  /** Whether the server has reported, since the request was sent, that it has nothing left to send. */
  nothingLeft?: boolean
  /** Whether the server holds a subscription. */
  held: boolean
  /** Why the topic is not requested any more. */
  refusal?: RowcallError | undefined
  /** The cohort that waits for `retryTimer` after a temporary refusal. */
  delayed?: Cohort | undefined
  retryTimer?: ReturnType<typeof setTimeout> | undefined
}

export function newEntry(topic: string): Entry {
  return { topic, cohorts: [], receiving: [], caughtUp: false, turn: -1, awaiting: undefined, held: false }
}

/**
 * The next thing to do for a topic:
 *
 *  - wait: nothing, until an answer, the connection or a timer changes something
 *  - forget: delete the entry; it has no followers and the server holds no subscription
 *  - unsubscribe: end the subscription; it has no followers
 *  - confirm: ask the server whether everything up to now has been delivered
 *  - turn: subscribe for the cohort whose turn it is
 *  - all: subscribe for all cohorts together
 */
export type Step = 'wait' | 'forget' | 'unsubscribe' | 'confirm' | 'turn' | 'all'

/** Returns the next step for a topic. `open` says whether the connection is open. */
export function nextStep(entry: Entry, open: boolean): Step {
  const { cohorts, receiving, caughtUp, held, awaiting, refusal, delayed } = entry
  if (awaiting) return 'wait'
  if (!cohorts.length) return held ? 'unsubscribe' : 'forget'
  if (!open || refusal) return 'wait'
  if (receiving.length === cohorts.length) return caughtUp ? 'wait' : 'confirm'
  const turn = cohorts.at(entry.turn)
  if (!turn) return 'all'
  if (turn === delayed) return 'wait'
  const alone = receiving.length === 1 && receiving[0] === turn
  return alone ? 'confirm' : 'turn'
}

/** Passes the turn to the next cohort, when the cohort whose turn it is has caught up and others are behind. */
export function passTurn(entry: Entry): void {
  const { cohorts, receiving, caughtUp, turn } = entry
  if (caughtUp && receiving.length < cohorts.length && receiving[0] === cohorts.at(turn)) entry.turn++
}

/** Returns the cohort for a new follower: one at the same position, or a new one, which starts a new round. */
export function cohortFor(entry: Entry, since: string | undefined, snapshot: boolean): Cohort {
  const { cohorts } = entry
  let cohort = cohorts.find((candidate) => isAtStart(entry, candidate, since, snapshot))
  if (!cohort) {
    cohorts.unshift((cohort = newCohort(since)))
    entry.turn = -1
  }
  if (snapshot) cohort.snapshot = snapshot
  return cohort
}

/** Whether a cohort is where a new follower starts: at its cursor, at its snapshot, or at the present. */
function isAtStart({ awaiting, receiving, caughtUp }: Entry, cohort: Cohort, since: string | undefined, snapshot: boolean): boolean {
  if (since !== undefined) return since === cohort.cursor && !cohort.seen.size
  const unanswered = cohort.snapshot || !cohort.cursor
  if (unanswered) return cohort.snapshot || !snapshot || !awaiting?.includes(cohort)
  const live = caughtUp && !awaiting && receiving.includes(cohort)
  return live && !snapshot
}

/** Handles a gap: followers that start with a snapshot take another one; the others are told, and go on from the cursor. */
export function resetCohort(entry: Entry, cohort: Cohort, reason: string, cursor?: string): void {
  const { cohorts } = entry
  cohort.cursor = cursor
  cohort.seen.clear()
  entry.turn = -1
  cohorts.unshift(...cohorts.splice(cohorts.indexOf(cohort), 1)) // first in the new round: the positions of the others are known
  forEachFollower(cohort, (follower) => {
    if (follower.snapshot) {
      enroll(follower, cohortFor(entry, undefined, true))
      follower.status('pending')
    }
    follower.reset({ reason, cursor })
  })
}

/** Records that `receiving` has everything up to the cursor. If these are all cohorts, they are merged into the first. */
export function markCaughtUp(entry: Entry, cursor: string): void {
  const { cohorts, receiving } = entry
  entry.caughtUp = true
  for (const cohort of receiving) cohort.cursor = cursor
  const [first] = receiving
  if (!first || receiving.length < cohorts.length) return
  for (const other of receiving) mergeCohort(other, first)
  trimSeen(first)
}

/** Records that the server holds no subscription any more. */
export function markUnsubscribed(entry: Entry): void {
  entry.awaiting = undefined
  entry.held = entry.caughtUp = false
  entry.turn = -1
  entry.receiving = []
}

/** Removes empty cohorts, and merges the cohorts without a cursor into one, which comes first. */
export function regroup(entry: Entry): void {
  const { cohorts } = entry
  const unanswered = cohorts.filter((cohort) => !cohort.cursor)
  for (const other of unanswered) {
    unanswered[0]!.snapshot ||= other.snapshot
    mergeCohort(other, unanswered[0]!)
  }
  entry.cohorts = [...unanswered, ...cohorts.filter((cohort) => cohort.cursor)].filter(hasFollowers)
  entry.receiving = entry.receiving.filter(hasFollowers)
  if (entry.cohorts[0] !== cohorts[0] || entry.cohorts.length < cohorts.length) entry.turn = -1
}

const hasFollowers = (cohort: Cohort) => cohort.followers.size > 0

/** Allows a topic that was refused to be requested again. */
export function clearRefusal(entry: Entry): void {
  entry.refusal = undefined
  forEveryFollower(entry, (follower) => follower.status('pending'))
}

export function forEveryFollower(entry: Entry, call: (follower: Follower) => void): void {
  for (const cohort of [...entry.cohorts]) forEachFollower(cohort, call)
}

/** Tells a follower that it will receive nothing more, and why. */
export function stopFollower(follower: Follower, error: RowcallError): void {
  follower.status('stopped', error)
  follower.error(error)
}
