import type { Follower } from './cohort.js'
import { openConnection } from './connection.js'
import { guarded } from './error.js'
import { iterate } from './events.js'
import { openLive } from './live.js'
import { openTopics } from './topics.js'
import type { Client, ClientOptions, Database, Registered, Status, SubscribeOptions, Subscription } from './types.js'

/** What makes a subscription a live state's: it begins with a snapshot. */
export interface Beginning {
  snapshot?: (rows: any[]) => void
}

type Changing<T> = { -readonly [K in keyof T]: T[K] }

export type Subscribe = (topic: string, handler: Follower['event'], options?: SubscribeOptions & Beginning) => Subscription

/**
 * A client of one server. It connects when something is followed, on one socket for everything, and lets go of it a few
 * seconds after the last has gone.
 */
export function createClient<D extends Database = Registered>(options: ClientOptions = {}): Client<D> {
  const watchers = new Set<(status: Status) => void>()
  let before: Status = 'idle'
  const connection = openConnection(options, (frame) => topics.hear(frame), changed)
  const topics = openTopics(connection)

  function changed(): void {
    const status = connection.status
    if (before === 'open') topics.down()
    before = status
    if (status === 'open') topics.up()
    if (status === 'stopped' || status === 'closed') topics.stop(connection.error)
    for (const watcher of [...watchers]) guarded(() => watcher(status))
  }

  const subscribe: Subscribe = (topic, handler, { since, onStatus, onReset, onError, signal, snapshot } = {}) => {
    let returned = false
    const soon = (call: () => void) => (returned ? call() : queueMicrotask(() => guarded(call)))
    const unsubscribe = () => {
      signal?.removeEventListener('abort', unsubscribe)
      since = subscription.cursor
      topics.leave(follower)
      guarded(() => follower.status('closed'))
    }
    const subscription: Changing<Subscription> = {
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
      error: (why) => onError && soon(() => onError(why)),
      status(next, why) {
        const { status, error } = subscription
        if (status === 'closed' || (status === next && error === why)) return
        subscription.status = next
        subscription.error = why
        if (onStatus) soon(() => onStatus(next))
      },
    }
    if (signal?.aborted || connection.status === 'closed') unsubscribe()
    else {
      signal?.addEventListener('abort', unsubscribe)
      topics.follow(follower, since)
    }
    returned = true
    return subscription
  }

  return {
    get status() {
      return connection.status
    },
    get error() {
      return connection.error
    },
    onStatus(watcher) {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    subscribe: subscribe as Client<D>['subscribe'],
    events: (topic, more) => iterate(subscribe, topic, more) as any,
    live: (what) => openLive(subscribe, what as any) as any,
    reconnect() {
      topics.revive()
      if (connection.status !== 'idle') connection.restart()
    },
    close: connection.close,
  }
}
