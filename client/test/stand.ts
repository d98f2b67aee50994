import { vi } from 'vitest'
import { createClient } from '../src/index.js'
import type { ClientOptions, RowcallEvent, SubscribeOptions } from '../src/index.js'
import { Model, type FakeSocket } from './model.js'

/** A client, and the model of a server that it talks to. */
export function stand(options: ClientOptions = {}) {
  const model = new Model()
  const client = createClient({ url: 'https://server.example', WebSocket: model.WebSocket, ...options })
  let id = 0
  const commit = (topic: string, data: unknown = {}, type = 'said') => model.commit({ id: String(++id), topic, type, data })
  return { model, client, commit, follow, socket: () => model.last() }

  /** Follows a topic and notes all that is heard. */
  function follow(topic: string, options: SubscribeOptions = {}) {
    const heard: string[] = []
    const events: RowcallEvent[] = []
    const subscription = client.subscribe(
      topic,
      (event) => {
        events.push(event)
        heard.push(event.id)
      },
      {
        onStatus: (status) => heard.push(status),
        onReset: ({ reason }) => heard.push(`reset ${reason}`),
        onError: ({ code }) => heard.push(`error ${code}`),
        ...options,
      },
    )
    return { heard, events, subscription }
  }
}

/** Accepts the socket and lets everything flow. */
export function connect(model: Model): FakeSocket {
  const socket = model.last()
  socket.accept()
  socket.flow()
  return socket
}

/** Lets time pass until the client has dialed again, and connects. */
export async function again(model: Model): Promise<FakeSocket> {
  await vi.advanceTimersByTimeAsync(20_000)
  return connect(model)
}

export const subscribes = (socket: FakeSocket) => socket.sent.filter((r) => r.op === 'subscribe')
