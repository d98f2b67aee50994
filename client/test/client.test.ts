import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createClient } from '../src/index.js'
import { FakeServer } from './fake_server.js'
import { reconnected, connect, openClient, subscribes } from './open_client.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const ignore = () => {}

describe('connecting', () => {
  test('the client connects at the first subscription, with one socket for all topics', () => {
    const { server, client, follow } = openClient()
    expect(client.status).toBe('idle')
    expect(server.sockets).toHaveLength(0)
    follow('room/1')
    follow('room/2')
    expect(client.status).toBe('connecting')
    const socket = connect(server)
    expect(socket.url).toBe('wss://server.example/v1/ws')
    expect(socket.protocols).toEqual(['rowcall.v1'])
    expect(client.status).toBe('open')
    expect(socket.sent).toEqual([
      { op: 'subscribe', topic: 'room/1' },
      { op: 'subscribe', topic: 'room/2' },
    ])
    expect(server.sockets).toHaveLength(1)
  })

  test('the socket closes a while after the last unsubscribe, and opens again at the next subscription', async () => {
    const { server, client, follow } = openClient()
    const { subscription } = follow('room/1')
    const socket = connect(server)
    subscription.unsubscribe()
    await vi.advanceTimersByTimeAsync(0)
    socket.run()
    expect(socket.sent.at(-1)).toEqual({ op: 'unsubscribe', topic: 'room/1' })
    await vi.advanceTimersByTimeAsync(6000)
    expect([client.status, socket.closedWith]).toEqual(['idle', 1000])
    follow('room/1')
    connect(server)
    expect(client.status).toBe('open')
  })

  test('the upper bound of the random delay doubles with each failure, and starts again after a welcome', async () => {
    const { server, client, follow } = openClient({ backoff: { min: 100, max: 1000 } })
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    follow('room/1')
    for (const most of [100, 200, 400, 800, 1000, 1000]) {
      server.last().cut()
      expect(client.status).toBe('waiting')
      await vi.advanceTimersByTimeAsync(most * 0.9)
      expect(client.status).toBe('waiting')
      await vi.advanceTimersByTimeAsync(most * 0.2)
      expect(client.status).toBe('connecting')
    }
    connect(server).cut(1012)
    await vi.advanceTimersByTimeAsync(100)
    expect(client.status).toBe('connecting')
    vi.restoreAllMocks()
  })

  test('the connection counts as lost ten seconds after a heartbeat was due', async () => {
    const { server, client, follow } = openClient()
    follow('room/1')
    const socket = connect(server)
    await vi.advanceTimersByTimeAsync(34_000)
    socket.deliver({ op: 'heartbeat' })
    await vi.advanceTimersByTimeAsync(34_000)
    expect(client.status).toBe('open')
    await vi.advanceTimersByTimeAsync(1_500)
    expect(client.status).not.toBe('open')
    expect(socket.closedWith).toBe(1000)
  })

  test('a handshake that is not answered is given up', async () => {
    const { server, client, follow } = openClient()
    follow('room/1')
    const first = server.last()
    await vi.advanceTimersByTimeAsync(20_500)
    expect(server.last()).not.toBe(first)
    first.accept() // too late: the client closes the socket, and only now, because closing it earlier logs an error
    expect(first.closedWith).toBe(1000)
    expect(client.status).toBe('connecting')
  })

  for (const code of [4400, 4401, 4403, 4404, 4406])
    test(`close code ${code} stops the client`, async () => {
      const { server, client, follow } = openClient()
      const { received, subscription } = follow('room/1')
      connect(server).cut(code, 'why')
      await vi.advanceTimersByTimeAsync(60_000)
      expect([client.status, client.error?.code]).toEqual(['stopped', 'why'])
      expect(received).toEqual(['live', 'pending', 'stopped', 'error why'])
      expect(subscription.error?.retryable).toBe(false)
      expect(follow('room/2').subscription.status).toBe('stopped')
      client.reconnect()
      connect(server)
      expect(subscription.status).toBe('live')
    })

  for (const code of [1001, 1006, 1011, 1012, 1013, 4429])
    test(`after close code ${code} the client resumes by cursor`, async () => {
      const { server, follow, commit } = openClient()
      const { received } = follow('room/1')
      const socket = connect(server)
      commit('room/1')
      socket.run()
      socket.cut(code)
      commit('room/1')
      await reconnected(server)
      expect(received).toEqual(['live', '1', 'pending', 'live', '2'])
      expect(subscribes(server.last())[0]).toHaveProperty('since')
    })

  test('close ends the client for good', async () => {
    const { server, client, follow } = openClient()
    const { received, subscription } = follow('room/1')
    connect(server)
    client.close()
    client.reconnect()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([client.status, subscription.status, follow('room/2').subscription.status]).toEqual(['closed', 'closed', 'closed'])
    expect(received.at(-1)).toBe('closed')
    expect(server.sockets).toHaveLength(0)
  })

  test('malformed and unknown frames are ignored', () => {
    const { server, follow, commit } = openClient()
    const { received } = follow('room/1')
    const socket = connect(server)
    for (const text of ['', '{', 'null', '[]', '7', '{"op":"later"}', '{"op":"event","topic":"nobody","id":"1"}', '{"op":"error","code":"x"}', '{"op":"reset","topic":"x"}'])
      socket.deliver(text)
    commit('room/1')
    socket.run()
    expect(received).toEqual(['live', '1'])
  })
})

describe('without WebSocket, as in Node before version 22', () => {
  beforeEach(() => {
    vi.stubGlobal('WebSocket', undefined)
    vi.spyOn(console, 'error').mockImplementation(ignore)
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })

  test('the client stops at once, and says what to do', async () => {
    const client = createClient({ url: 'https://server.example' })
    expect(client.status).toBe('idle') // creating a client is allowed, for example while a server renders a page
    const onError = vi.fn()
    const subscription = client.subscribe('dams', ignore, { onError })
    const live = client.live({ topic: 'dams' })
    live.subscribe(ignore)
    expect([client.status, subscription.status]).toEqual(['stopped', 'stopped'])
    expect(client.error).toMatchObject({ code: 'no_websocket', retryable: false, message: expect.stringMatching(/package ws.*createClient\(\{ url, WebSocket \}\)/) })
    expect(live.getSnapshot()).toMatchObject({ status: 'stopped', error: client.error })
    await expect(client.events('dams').next()).rejects.toBe(client.error)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(onError.mock.calls).toEqual([[client.error]])
    expect(vi.mocked(console.error).mock.calls).toEqual([[`rowcall: ${client.error!.message}`]])
  })

  test('the client stops likewise if no socket can be made, because of its url or its WebSocket', async () => {
    class Refusing {
      constructor() {
        throw new SyntaxError('no such scheme')
      }
    }
    const namespace = { WebSocket: Refusing } as unknown as typeof WebSocket // import * as ws from 'ws'
    for (const options of [
      { url: 'https://server.example', WebSocket: namespace },
      { url: 'https://server.example', WebSocket: Refusing as unknown as typeof WebSocket },
      { url: 'server:name', WebSocket: Refusing as unknown as typeof WebSocket },
      { url: 'no url at all', WebSocket: new FakeServer().WebSocket },
    ]) {
      vi.mocked(console.error).mockClear()
      const client = createClient(options)
      const onError = vi.fn()
      client.subscribe('dams', ignore, { onError })
      await vi.advanceTimersByTimeAsync(60_000)
      expect(client.error).toMatchObject({ code: 'connect', retryable: false, message: expect.stringMatching(/url and WebSocket/) })
      expect(client.status).toBe('stopped')
      expect(onError.mock.calls).toEqual([[client.error]])
      expect(vi.mocked(console.error).mock.calls).toEqual([[`rowcall: ${client.error!.message}`]])
    }
  })

  test('one that is defined later is used', () => {
    const server = new FakeServer()
    const client = createClient({ url: 'https://server.example' })
    vi.stubGlobal('WebSocket', server.WebSocket)
    client.subscribe('dams', ignore)
    expect(server.sockets).toHaveLength(1)
  })
})

test('a handler that throws is reported, and the other handlers are called', async () => {
  const { server, client, follow, commit } = openClient()
  const reported = vi.fn()
  vi.stubGlobal('reportError', reported)
  const fault = new Error('mine')
  client.subscribe('room/1', () => {
    throw fault
  })
  const { received } = follow('room/1')
  const socket = connect(server)
  commit('room/1')
  socket.run()
  expect(received).toEqual(['live', '1'])
  expect(reported).toHaveBeenCalledWith(fault)
  vi.unstubAllGlobals()
})

test('the client writes nothing to the console', async () => {
  const errors = vi.spyOn(console, 'error').mockImplementation(ignore)
  const warnings = vi.spyOn(console, 'warn').mockImplementation(ignore)
  const { server, follow } = openClient()
  follow('room/1')
  connect(server).cut(4403)
  expect([errors.mock.calls, warnings.mock.calls]).toEqual([[], []])
})
