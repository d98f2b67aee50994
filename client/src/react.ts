'use client'

import { createContext, createElement, useContext, useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from 'react'
import type { Client, EventOf, LiveOptions, LiveSnapshot, Position, Registered, RowOf, Status, SubscribeOptions, TopicArgument } from './types.js'

const Context = createContext<Client<any> | undefined>(undefined)

/** Provides the client to the components below it. */
export function RowcallProvider({ client, children }: { client: Client<any>; children?: ReactNode }) {
  return createElement(Context.Provider, { value: client }, children)
}

/** Returns the client of the nearest RowcallProvider. It throws if there is none. */
export function useClient(): Client {
  const client = useContext(Context)
  if (!client) throw new Error('no RowcallProvider')
  return client
}

/** Returns the status of the client's connection. */
export function useStatus(): Status {
  const client = useClient()
  const status = () => client.status
  return useSyncExternalStore(client.onStatus, status, status)
}

/** Calls a handler for each event of a topic while the component is mounted. Without a topic, nothing is followed. */
export function useTopic<const T extends string>(
  topic: TopicArgument<Registered, T> | null | undefined,
  handler: (event: EventOf<Registered, T>, at: Position) => void,
  options?: Omit<SubscribeOptions, 'signal'>,
): void {
  const client = useClient()
  const latest = useLatest({ handler, options })
  useEffect(() => {
    if (!topic) return
    const subscription = client.subscribe(topic, (event, at) => latest.current.handler(event, at), {
      since: latest.current.options?.since,
      onStatus: (status) => latest.current.options?.onStatus?.(status),
      onReset: (reset) => latest.current.options?.onReset?.(reset),
      onError: (error) => latest.current.options?.onError?.(error),
    })
    return subscription.unsubscribe
  }, [client, topic, latest])
}

const loading: LiveSnapshot<never> = { state: undefined, status: 'loading', error: undefined, truncated: false }
const noTopic = { getSnapshot: () => loading, subscribe: () => () => {} }

/**
 * Returns a topic's state, kept up to date by its events. The functions may be new at each render: the last ones are used.
 * A change of the topic starts again.
 */
export function useLive<const T extends string, S = RowOf<Registered, T>[]>(
  options: Omit<LiveOptions<S, EventOf<Registered, T>, RowOf<Registered, T>>, 'topic'> & { topic: TopicArgument<Registered, T> | null | undefined },
): LiveSnapshot<S> {
  const client = useClient()
  const latest = useLatest(options)
  const { topic } = options
  const live = useMemo(() => {
    if (!topic) return noTopic
    const { reduce, from, ...rest } = options
    return client.live<T, S>({
      ...rest,
      topic,
      ...(reduce && { reduce: (state: S, event: EventOf<Registered, T>) => latest.current.reduce!(state, event) }),
      ...(from && { from: (rows: RowOf<Registered, T>[]) => latest.current.from!(rows) }),
    })
  }, [client, topic, latest])
  return useSyncExternalStore(live.subscribe, live.getSnapshot, live.getSnapshot)
}

/** Returns a ref to the value of the last render. */
function useLatest<T>(value: T): { current: T } {
  const ref = useRef(value)
  useEffect(() => {
    ref.current = value
  })
  return ref
}
