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

describe('tokens', () => {
  const jwt = (seconds: number, name = 'a') => `h.${btoa(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + seconds, name }))}.s`

  test('a token is requested before each connect, and sent as a subprotocol', async () => {
    const getToken = vi.fn(async () => 'a.b.c?>')
    const { server, follow } = openClient({ getToken })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    expect(server.last().protocols).toEqual(['rowcall.v1', 'rowcall.bearer.YS5iLmM_Pg'])
    connect(server).cut()
    await vi.advanceTimersByTimeAsync(500)
    expect(getToken.mock.calls).toEqual([[{ fresh: false }], [{ fresh: false }]])
  })

  test('a token is renewed on the open socket before it expires', async () => {
    const tokens = [jwt(100), jwt(1000, 'b'), jwt(2000, 'c')]
    const getToken = vi.fn(() => tokens.shift())
    const { server, follow } = openClient({ getToken })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    const socket = connect(server)
    const second = tokens[0]
    const beat = setInterval(() => socket.deliver({ op: 'heartbeat' }), 20_000)
    await vi.advanceTimersByTimeAsync(81_000)
    clearInterval(beat)
    expect(getToken).toHaveBeenLastCalledWith({ fresh: true })
    expect(socket.sent.at(-1)).toEqual({ op: 'auth', token: second })
  })

  test('a renewal that fails is tried again, and the socket stays open', async () => {
    let calls = 0
    const first = jwt(100)
    const { server, client, follow } = openClient({
      getToken: () => {
        if (calls++) throw new Error('the issuer is away')
        return first
      },
    })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    const socket = connect(server)
    const beat = setInterval(() => socket.deliver({ op: 'heartbeat' }), 20_000)
    await vi.advanceTimersByTimeAsync(96_000)
    clearInterval(beat)
    expect(calls).toBeGreaterThan(3)
    expect(client.status).toBe('open')
    expect(socket.sent.filter((r) => r.op === 'auth')).toEqual([])
  })

  test('a token of another user needs a new socket', async () => {
    let user = 'a'
    const { server, follow } = openClient({ getToken: () => jwt(user === 'a' ? 100 : 5000, user) })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    const socket = connect(server)
    const beat = setInterval(() => socket.deliver({ op: 'heartbeat' }), 20_000)
    user = 'b'
    await vi.advanceTimersByTimeAsync(81_000)
    clearInterval(beat)
    socket.deliver({ op: 'error', code: 'forbidden', message: '', retryable: false })
    await vi.advanceTimersByTimeAsync(0)
    expect(server.last()).not.toBe(socket)
  })

  test('a refused token is replaced once', async () => {
    const getToken = vi.fn(() => 'x')
    const { server, client, follow } = openClient({ getToken })
    follow('room/1')
    server.closing = { code: 4401, reason: 'unauthorized' }
    await vi.advanceTimersByTimeAsync(0)
    server.last().accept()
    await vi.advanceTimersByTimeAsync(0)
    expect(getToken).toHaveBeenLastCalledWith({ fresh: true })
    expect(client.status).toBe('connecting')
    server.last().accept()
    expect([client.status, client.error?.code]).toEqual(['stopped', 'unauthorized'])
    server.closing = undefined
    client.reconnect()
    await vi.advanceTimersByTimeAsync(0)
    connect(server).cut(4401) // the token was valid for a while, so a fresh one is requested
    await vi.advanceTimersByTimeAsync(0)
    expect(client.status).toBe('connecting')
  })

  test('getToken is called again after it fails', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const getToken = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('away')).mockResolvedValue('x')
    const { server, client, follow } = openClient({ getToken })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    expect([client.status, client.error?.code]).toEqual(['waiting', 'connect'])
    await reconnected(server)
    expect(client.status).toBe('open')
    vi.restoreAllMocks()
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
