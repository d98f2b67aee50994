import type { Subscribe } from './client.js'
import { guarded } from './error.js'
import { byKey, same } from './rows.js'
import type { Live, LiveOptions, LiveSnapshot, LiveStatus, Subscription } from './types.js'

const linger = 1000 // how long a topic is followed that nobody looks at: whoever left may be back at once

/** A topic's state: its snapshot, and then what its events make of it. */
export function openLive<S>(subscribe: Subscribe, options: LiveOptions<S>): Live<S> {
  const { topic, from, initial, key, reduce = byKey(key) } = options
  const bare = initial !== undefined
  const listeners = new Set<() => void>()
  let now: LiveSnapshot<S> = { state: initial, status: bare ? 'stale' : 'loading', error: undefined }
  let subscription: Subscription | undefined
  let telling: ReturnType<typeof setTimeout> | undefined
  let leaving: ReturnType<typeof setTimeout> | undefined

  function change(next: Partial<LiveSnapshot<S>>): void {
    const { state, status, error } = { ...now, ...next }
    if (state === now.state && status === now.status && error === now.error) return
    now = { state, status, error }
    telling ??= setTimeout(tell) // once for all that comes together
  }

  function tell(): void {
    telling = undefined
    for (const listener of [...listeners]) guarded(listener)
  }

  function take(rows: any[]): void {
    const state = from ? from(rows) : (rows as S)
    change({ state: !from && same(state, now.state) ? now.state : state })
  }

  function follow(): void {
    subscription = subscribe(topic, (event) => change({ state: reduce(now.state as S, event) }), {
      snapshot: bare ? undefined : take,
      onReset: () => bare && change({ state: initial }),
      onStatus: () => change(condition()),
    })
    change(condition())
  }

  function condition(): { status: LiveStatus; error: LiveSnapshot<S>['error'] } {
    const { status = 'pending', error } = subscription ?? {}
    if (status === 'pending') return { status: now.state === undefined ? 'loading' : 'stale', error }
    return { status: status === 'live' ? status : 'stopped', error }
  }

  function leave(): void {
    const left = subscription
    subscription = undefined
    left?.unsubscribe()
    change(condition())
  }

  return {
    getSnapshot: () => now,
    subscribe(listener) {
      listeners.add(listener)
      clearTimeout(leaving)
      if (!subscription) follow()
      return () => {
        listeners.delete(listener)
        clearTimeout(leaving)
        if (!listeners.size) leaving = setTimeout(leave, linger)
      }
    },
  }
}
