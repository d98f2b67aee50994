import { createContext, createElement, useContext, useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from 'react'
import type { Client, EventOf, LiveOptions, LiveSnapshot, Position, Registered, RowOf, Status, SubscribeOptions } from './types.js'

const Context = createContext<Client<any> | undefined>(undefined)

/** Gives the components below it their client. */
export function RowcallProvider({ client, children }: { client: Client<any>; children?: ReactNode }) {
  return createElement(Context.Provider, { value: client }, children)
}

/** The client of the RowcallProvider above. */
export function useClient(): Client {
  const client = useContext(Context)
  if (!client) throw new Error('no RowcallProvider')
  return client
}

/** The client's status: whether pages hear what happens now. */
export function useStatus(): Status {
  const client = useClient()
  const status = () => client.status
  return useSyncExternalStore(client.onStatus, status, status)
}

/** Calls a handler with the events of a topic, while the component is there. No topic: nothing is followed. */
export function useTopic<const T extends string>(
  topic: T | null | undefined,
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

const nothing: LiveSnapshot<never> = { state: undefined, status: 'loading', error: undefined }
const nobody = { getSnapshot: () => nothing, subscribe: () => () => {} }

/** A topic's state, which follows its events. Functions may be new ones at each render; another topic begins anew. */
export function useLive<const T extends string, S = RowOf<Registered, T>[]>(
  options: Omit<LiveOptions<S, EventOf<Registered, T>, RowOf<Registered, T>>, 'topic'> & { topic: T | null | undefined },
): LiveSnapshot<S> {
  const client = useClient()
  const latest = useLatest(options)
  const { topic } = options
  const live = useMemo(() => {
    if (!topic) return nobody
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

/** A box that has what the last render said. */
function useLatest<T>(value: T): { current: T } {
  const box = useRef(value)
  useEffect(() => {
    box.current = value
  })
  return box
}
