import { each, enroll, forget, newCohort, unite, type Cohort, type Follower } from './cohort.js'
import type { RowcallError } from './error.js'

/**
 * One topic, and its one subscription at the server.
 *
 * Usually there is one cohort, and it is fed. Followers who begin elsewhere, with a snapshot or a cursor of their own, are
 * a cohort of their own. The one subscription then feeds the cohorts in turn until they can go on together:
 *
 *  - the first, which is the newest, from where it begins, until everything up to now has been delivered to it;
 *  - each other one, from where it was, until everything up to now has been delivered to it: it is past the first then;
 *  - all together, from where the first stands. Those past it have seen what is repeated.
 *
 * It is the only order that works: cursors cannot be compared, ids do not tell what came first, and so a cohort can only
 * drop what it has seen itself. A cut is no matter: each cohort's cursor and ids say what it has had. Whatever else
 * changes begins the round anew, with a first cohort that is asked for after all others' places were known.
 */
export interface Entry {
  topic: string
  cohorts: Cohort[]
  /** Who receives what comes. */
  fed: Cohort[]
  /** Everything up to some moment after the last answer has been delivered to them. */
  settled: boolean
  /** Whose turn it is; past the last: all of them. -1, where a round begins: the oldest, whom the others may not hold up. */
  turn: number
  /** For whom the server was asked last, until it answers; nobody to leave. One thing at a time: answers carry no name. */
  asked: Cohort[] | undefined
  /** The server has said since that it is up to date with everything. */
  overdue?: boolean
  /** The server has a subscription. */
  held: boolean
  /** Why it is not asked for any more. */
  stopped?: RowcallError | undefined
  /** Who has to wait after a refusal, and how long. */
  refused?: Cohort | undefined
  timer?: ReturnType<typeof setTimeout> | undefined
}

export function newEntry(topic: string): Entry {
  return { topic, cohorts: [], fed: [], settled: false, turn: -1, asked: undefined, held: false }
}

/** The cohort that a new follower belongs to. */
export function place(entry: Entry, since: string | undefined, snapshot: boolean): Cohort {
  const { cohorts, asked, fed, settled } = entry
  let cohort = cohorts.find((c) =>
    since === undefined && (c.snapshot || !c.cursor)
      ? c.snapshot || !snapshot || !asked?.includes(c) // nothing was delivered to it yet
      : since === undefined
        ? !snapshot && settled && !asked && fed.includes(c) // it is live
        : since === c.cursor && !c.seen.size,
  )
  if (!cohort) {
    cohorts.unshift((cohort = newCohort(since)))
    entry.turn = -1
  }
  if (snapshot) cohort.snapshot = snapshot
  return cohort
}

/** Whoever can begin with a snapshot does so again; the others are told, and go on. */
export function reset(entry: Entry, cohort: Cohort, reason: string, cursor?: string): void {
  const { cohorts } = entry
  cohort.cursor = cursor
  cohort.seen.clear()
  entry.turn = -1
  cohorts.unshift(...cohorts.splice(cohorts.indexOf(cohort), 1)) // where the others stand was known before
  each(cohort, (f) => {
    if (f.snapshot) {
      enroll(f, place(entry, undefined, true))
      f.status('pending')
    }
    f.reset({ reason, cursor })
  })
}

/** Everything up to the cursor has been delivered to those who are fed. Where that is all, they go on as one. */
export function settle(entry: Entry, cursor: string): void {
  const { cohorts, fed } = entry
  entry.settled = true
  for (const cohort of fed) cohort.cursor = cursor
  const [first] = fed
  if (!first || fed.length < cohorts.length) return
  for (const other of fed) unite(other, first)
  forget(first)
}

/** The server has no subscription any more. */
export function lose(entry: Entry): void {
  entry.asked = undefined
  entry.held = entry.settled = false
  entry.turn = -1
  entry.fed = []
}

/** Takes out the cohorts that nobody is in, and puts those who have not begun yet in front, as one. */
export function tidy(entry: Entry): void {
  const { cohorts } = entry
  const fresh = cohorts.filter((c) => !c.cursor)
  for (const other of fresh) {
    fresh[0]!.snapshot ||= other.snapshot
    unite(other, fresh[0]!)
  }
  entry.cohorts = [...fresh, ...cohorts.filter((c) => c.cursor)].filter(crowded)
  entry.fed = entry.fed.filter(crowded)
  if (entry.cohorts[0] !== cohorts[0] || entry.cohorts.length < cohorts.length) entry.turn = -1
}

const crowded = (cohort: Cohort) => cohort.followers.size > 0

export function revive(entry: Entry): void {
  entry.stopped = undefined
  tell(entry, (f) => f.status('pending'))
}

export function tell(entry: Entry, call: (follower: Follower) => void): void {
  for (const cohort of [...entry.cohorts]) each(cohort, call)
}

export function halt(follower: Follower, error: RowcallError): void {
  follower.status('stopped', error)
  follower.error(error)
}
