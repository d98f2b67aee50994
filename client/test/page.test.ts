import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeServer } from './fake_server.js'
import { reconnected, connect, openClient } from './open_client.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('in a page', () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  beforeEach(() => {
    const world = new EventTarget()
    vi.stubGlobal('document', page)
    vi.stubGlobal('addEventListener', world.addEventListener.bind(world))
    vi.stubGlobal('removeEventListener', world.removeEventListener.bind(world))
    vi.stubGlobal('dispatchEvent', world.dispatchEvent.bind(world))
  })
  afterEach(() => void vi.unstubAllGlobals())

  for (const [name, prepare] of Object.entries({
    'an open socket': (server: FakeServer): void => {
      connect(server)
    },
    'a socket that is connecting': () => {},
    'a lost connection': (server: FakeServer) => server.last().cut(),
  }))
    test(`a page that is left with ${name} connects again when it is shown, and not before`, async () => {
      const { server, client, follow } = openClient()
      const { received } = follow('room/1')
      prepare(server)
      const before = server.last()
      dispatchEvent(new Event('pagehide'))
      await vi.advanceTimersByTimeAsync(60_000)
      expect([client.status, server.sockets.filter((socket) => socket !== before)]).toEqual(['waiting', []])
      dispatchEvent(new Event('pageshow'))
      connect(server)
      expect([client.status, received.at(-1)]).toEqual(['open', 'live'])
    })

  test('a page that is left without followers stays idle', () => {
    const { server, client } = openClient()
    dispatchEvent(new Event('pagehide'))
    dispatchEvent(new Event('pageshow'))
    expect([client.status, server.sockets]).toEqual(['idle', []])
  })

  test('close removes every listener from the page', () => {
    const added: string[] = []
    const signals: AbortSignal[] = []
    const add = (type: string, _: unknown, { signal }: { signal: AbortSignal }) => {
      added.push(type)
      signals.push(signal)
    }
    vi.stubGlobal('addEventListener', add)
    vi.stubGlobal('document', { addEventListener: add })
    const { client } = openClient()
    expect(added).toEqual(['pagehide', 'pageshow', 'online', 'visibilitychange'])
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false, false, false])
    client.close()
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true, true, true])
  })

  for (const [name, wake] of Object.entries({
    'when the network is back': () => dispatchEvent(new Event('online')),
    'when the page is visible again': () => page.dispatchEvent(new Event('visibilitychange')),
  })) {
    test(`${name}, the client connects at once`, () => {
      vi.spyOn(Math, 'random').mockReturnValue(0.99)
      const { server, client, follow } = openClient()
      follow('room/1')
      connect(server).cut()
      wake()
      expect(client.status).toBe('connecting')
      vi.restoreAllMocks()
    })

    test(`${name}, the client checks the open socket with a ping`, async () => {
      const { server, client, follow } = openClient()
      follow('room/1')
      const socket = connect(server)
      wake()
      expect(socket.sent.at(-1)).toEqual({ op: 'ping' })
      socket.run()
      await vi.advanceTimersByTimeAsync(6000)
      expect(client.status).toBe('open')
      wake()
      await vi.advanceTimersByTimeAsync(5600)
      expect(client.status).not.toBe('open')
    })
  }
})

describe('a page of an origin that the server does not accept', () => {
  const answer = (body: string, type = 'application/problem+json') => new Response(body, { status: 403, headers: { 'Content-Type': type } })
  const refusal = JSON.stringify({ code: 'origin_not_allowed', detail: 'pages of this origin may not connect', status: 403 })
  let asked: [string, RequestInit][]
  let reply: () => Promise<Response>
  beforeEach(() => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    asked = []
    reply = async () => answer(refusal)
    vi.stubGlobal('location', new URL('https://other.example/page'))
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      asked.push([url, init])
      return reply()
    })
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })
  const afterRequest = () => vi.advanceTimersByTimeAsync(0)

  test('stops, and says why to all followers', async () => {
    const { server, client, follow } = openClient()
    const { received } = follow('room/1')
    const dams = client.live({ topic: 'dams' })
    dams.subscribe(() => {})
    server.last().cut()
    await afterRequest()
    expect(asked).toEqual([['https://server.example/v1/ws', { method: 'POST', credentials: 'omit' }]])
    expect(client.status).toBe('stopped')
    expect(client.error).toMatchObject({ code: 'origin_not_allowed', retryable: false, message: expect.stringContaining('https://other.example') })
    expect(dams.getSnapshot()).toMatchObject({ status: 'stopped', error: { code: 'origin_not_allowed' } })
    expect(received).toEqual(['stopped', 'error origin_not_allowed'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.sockets).toHaveLength(0)
  })

  test('connects when it is told to, after the settings have changed', async () => {
    const { server, client, follow } = openClient()
    follow('room/1')
    server.last().cut()
    await afterRequest()
    client.reconnect()
    expect([client.status, client.error]).toEqual(['connecting', undefined])
    connect(server)
    expect(client.status).toBe('open')
  })

  for (const [name, other] of Object.entries({
    'a server that is away': () => Promise.reject(new TypeError('Failed to fetch')),
    'a gateway without a backend': async () => answer('<h1>502 Bad Gateway</h1>', 'text/html'),
    'another refusal': async () => answer('{"code":"rate_limited"}'),
    'an answer that is null': async () => answer('null'),
  }))
    test(`${name} is tried again`, async () => {
      reply = other
      const { server, client, follow } = openClient()
      follow('room/1')
      server.last().cut()
      await afterRequest()
      expect(client.status).toBe('waiting')
      await reconnected(server)
      expect(client.status).toBe('open')
    })

  test('is not asked about after the server has accepted it', async () => {
    const { server, client, follow } = openClient()
    follow('room/1')
    connect(server).cut()
    await vi.advanceTimersByTimeAsync(1000)
    server.last().cut()
    await afterRequest()
    expect([asked, client.status]).toEqual([[], 'waiting'])
  })

  test('asks once at a time, and a late answer does not stop an open connection', async () => {
    let answerLate = (_: Response) => {}
    reply = () => new Promise((resolve) => (answerLate = resolve))
    const { server, client, follow } = openClient()
    follow('room/1')
    for (let i = 0; i < 3; i++) {
      server.last().cut()
      await vi.advanceTimersByTimeAsync(20_000)
    }
    expect(asked).toHaveLength(1)
    connect(server)
    answerLate(answer(refusal))
    await afterRequest()
    expect(client.status).toBe('open')
  })
})
