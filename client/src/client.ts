import { openConnection } from './connection.js'
import { callSafely } from './error.js'
import { iterate } from './events.js'
import { openLive } from './live.js'
import { newSubscribe } from './subscription.js'
import { openTopics } from './topics.js'
import type { Client, ClientOptions, Database, Registered, Status } from './types.js'

/**
 * Returns a client of one server. It opens one socket when the first topic is followed, uses it for all topics, and closes
 * it five seconds after the last follower has left.
 */
export function createClient<D extends Database = Registered>(options: ClientOptions = {}): Client<D> {
  const watchers = new Set<(status: Status) => void>()
  let statusBefore: Status = 'idle'
  const connection = openConnection(options, (frame) => topics.receive(frame), onChange)
  const topics = openTopics(connection)
  const subscribe = newSubscribe(connection, topics)

  function onChange(): void {
    const { status, error } = connection
    if (statusBefore === 'open') topics.onLost()
    else if (status === 'waiting') topics.onFailed(error)
    statusBefore = status
    if (status === 'open') topics.onOpen()
    if (status === 'stopped' || status === 'closed') topics.onStopped(error)
    for (const watcher of [...watchers]) callSafely(() => watcher(status))
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
      topics.clearRefusals()
      if (connection.status !== 'idle') connection.restart()
    },
    close: connection.close,
  }
}
