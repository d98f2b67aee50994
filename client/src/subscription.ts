import { callSafely } from './error.js'
import type { Follower } from './cohort.js'
import type { Connection } from './connection.js'
import type { Topics } from './topics.js'
import type { SubscribeOptions, Subscription } from './types.js'

/** The options of `client.subscribe`, and those of live states. */
export interface FollowOptions extends SubscribeOptions {
  /** Makes the subscription start with a snapshot, which is passed to this function, with whether the topic has more rows. */
  snapshot?: ((rows: any[], truncated: boolean) => void) | undefined
  /** Called after each change of the status or the error. */
  onChange?: () => void
}

/** Subscribes a handler to a topic. */
export type Subscribe = (topic: string, handler: Follower['event'], options?: FollowOptions) => Subscription

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Returns the client's function `subscribe`. Callbacks that are due while it runs are called after it has returned, so that
 * the caller has the subscription by then.
 */
export function newSubscribe(connection: Connection, topics: Topics): Subscribe {
  return (topic, handler, { since, onStatus, onReset, onError, signal, snapshot, onChange } = {}) => {
    let returned = false
    const afterReturn = (call: () => void) => (returned ? call() : queueMicrotask(() => callSafely(call)))
    const unsubscribe = () => {
      signal?.removeEventListener('abort', unsubscribe)
      since = subscription.cursor
      topics.leave(follower)
      callSafely(() => follower.status('closed'))
    }
    const subscription: Mutable<Subscription> = {
      topic,
      status: 'pending',
      error: undefined,
      unsubscribe,
      get cursor() {
        return follower.cohort ? follower.cohort.cursor : since
      },
    }
    const follower: Follower = {
      topic,
      event: handler,
      snapshot,
      reset: (reset) => onReset?.(reset),
      error: (why) => onError && afterReturn(() => onError(why)),
      status(next, why) {
        const { status, error } = subscription
        if (status === 'closed' || (status === next && error === why)) return
        subscription.status = next
        subscription.error = why
        if (onStatus && next !== status) afterReturn(() => onStatus(next))
        onChange?.()
      },
    }
    if (signal?.aborted || connection.status === 'closed') unsubscribe()
    else {
      signal?.addEventListener('abort', unsubscribe)
      if (since === '') {
        // An empty cursor is none of the server's: the application has lost its own, and must know that there is a gap.
        since = undefined
        afterReturn(() => follower.reset({ reason: 'bad_cursor', cursor: since }))
      }
      topics.follow(follower, since)
    }
    returned = true
    return subscription
  }
}
