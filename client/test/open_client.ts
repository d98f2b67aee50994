import { vi } from 'vitest'
import { createClient } from '../src/index.js'
import type { ClientOptions, RowcallEvent, SubscribeOptions } from '../src/index.js'
import { FakeServer, type FakeSocket } from './fake_server.js'

/** Returns a client, and the fake server that it talks to. */
export function openClient(options: ClientOptions = {}) {
  const server = new FakeServer()
  const client = createClient({ url: 'https://server.example', WebSocket: server.WebSocket, ...options })
  let id = 0
  const commit = (topic: string, data: unknown = {}, type = 'said') => server.commit({ id: String(++id), topic, type, data })
  return { server, client, commit, follow, socket: () => server.last() }

  /** Follows a topic, and records every callback in order. */
  function follow(topic: string, options: SubscribeOptions = {}) {
    const received: string[] = []
    const events: RowcallEvent[] = []
    const subscription = client.subscribe(
      topic,
      (event) => {
        events.push(event)
        received.push(event.id)
      },
      {
        onStatus: (status) => received.push(status),
        onReset: ({ reason }) => received.push(`reset ${reason}`),
        onError: ({ code }) => received.push(`error ${code}`),
        ...options,
      },
    )
    return { received, events, subscription }
  }
}

/** Accepts the socket, and runs it until nothing is left to do. */
export function connect(server: FakeServer): FakeSocket {
  const socket = server.last()
  socket.accept()
  socket.run()
  return socket
}

/** Lets time pass until the client opens its next socket, and accepts it. */
export async function reconnected(server: FakeServer): Promise<FakeSocket> {
  while (server.last()?.readyState !== 0) await vi.advanceTimersToNextTimerAsync()
  return connect(server)
}

export const subscribes = (socket: FakeSocket) => socket.sent.filter((r) => r.op === 'subscribe')
