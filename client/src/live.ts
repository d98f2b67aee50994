import { callSafely } from './error.js'
import { byKey, sameJSON } from './rows.js'
import type { Subscribe } from './subscription.js'
import type { Live, LiveOptions, LiveSnapshot, LiveStatus, Subscription } from './types.js'

const linger = 1000 // how long a topic is followed after the last listener has left: a listener is often back at once

/** Returns a topic's state: the snapshot, and then the result of reducing each event. */
export function openLive<S>(subscribe: Subscribe, options: LiveOptions<S>): Live<S> {
  const { topic, from, initial, key, reduce = byKey(key) } = options
  const withoutSnapshot = initial !== undefined
  const listeners = new Set<() => void>()
  let current: LiveSnapshot<S> = { state: initial, status: withoutSnapshot ? 'stale' : 'loading', error: undefined, truncated: false }
  let subscription: Subscription | undefined
  let notifyTimer: ReturnType<typeof setTimeout> | undefined
  let leaveTimer: ReturnType<typeof setTimeout> | undefined

  function change(next: Partial<LiveSnapshot<S>>): void {
    if (Object.entries(next).every(([field, value]) => value === (current as any)[field])) return
    current = { ...current, ...next }
    notifyTimer ??= setTimeout(notify) // once for all changes of this moment
  }

  function notify(): void {
    notifyTimer = undefined
    for (const listener of [...listeners]) callSafely(listener)
  }

  function takeSnapshot(rows: any[], truncated: boolean): void {
    const state = from ? from(rows) : (rows as S)
    change({ state: !from && sameJSON(state, current.state) ? current.state : state, truncated })
  }

  function follow(): void {
    subscription = subscribe(topic, (event) => change({ state: reduce(current.state as S, event) }), {
      snapshot: withoutSnapshot ? undefined : takeSnapshot,
      onReset: () => withoutSnapshot && change({ state: initial }),
      onChange: () => change(statusNow()),
    })
    change(statusNow())
  }

  function statusNow(): { status: LiveStatus; error: LiveSnapshot<S>['error'] } {
    const { status = 'pending', error } = subscription ?? {}
    if (status === 'pending') return { status: current.state === undefined ? 'loading' : 'stale', error }
    return { status: status === 'live' ? status : 'stopped', error }
  }

  function leave(): void {
    const left = subscription
    subscription = undefined
    left?.unsubscribe()
    change(statusNow())
  }

  return {
    getSnapshot: () => current,
    subscribe(listener) {
      listeners.add(listener)
      clearTimeout(leaveTimer)
      if (!subscription) follow()
      return () => {
        listeners.delete(listener)
        clearTimeout(leaveTimer)
        if (!listeners.size) leaveTimer = setTimeout(leave, linger)
      }
    },
  }
}
