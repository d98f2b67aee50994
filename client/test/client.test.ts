import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { again, connect, stand, subscribes } from './stand.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const nothing = () => {}

describe('connecting', () => {
  test('waits until something is followed, and uses one socket for everything', () => {
    const { model, client, follow } = stand()
    expect(client.status).toBe('idle')
    expect(model.sockets).toHaveLength(0)
    follow('room/1')
    follow('room/2')
    expect(client.status).toBe('connecting')
    const socket = connect(model)
    expect(socket.url).toBe('wss://server.example/v1/ws')
    expect(socket.protocols).toEqual(['rowcall.v1'])
    expect(client.status).toBe('open')
    expect(socket.sent).toEqual([
      { op: 'subscribe', topic: 'room/1' },
      { op: 'subscribe', topic: 'room/2' },
    ])
    expect(model.sockets).toHaveLength(1)
  })

  test('lets go of the socket a while after the last has left, and comes back', async () => {
    const { model, client, follow } = stand()
    const { subscription } = follow('room/1')
    const socket = connect(model)
    subscription.unsubscribe()
    await vi.advanceTimersByTimeAsync(0)
    socket.flow()
    expect(socket.sent.at(-1)).toEqual({ op: 'unsubscribe', topic: 'room/1' })
    await vi.advanceTimersByTimeAsync(6000)
    expect([client.status, socket.closedWith]).toEqual(['idle', 1000])
    follow('room/1')
    connect(model)
    expect(client.status).toBe('open')
  })

  test('waits a random part of twice as long each time, and anew after a welcome', async () => {
    const { model, client, follow } = stand({ backoff: { min: 100, max: 1000 } })
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    follow('room/1')
    for (const most of [100, 200, 400, 800, 1000, 1000]) {
      model.last().cut()
      expect(client.status).toBe('waiting')
      await vi.advanceTimersByTimeAsync(most * 0.9)
      expect(client.status).toBe('waiting')
      await vi.advanceTimersByTimeAsync(most * 0.2)
      expect(client.status).toBe('connecting')
    }
    connect(model).cut(1012)
    await vi.advanceTimersByTimeAsync(100)
    expect(client.status).toBe('connecting')
    vi.restoreAllMocks()
  })

  test('counts silence as a loss, ten seconds after a heartbeat was due', async () => {
    const { model, client, follow } = stand()
    follow('room/1')
    const socket = connect(model)
    await vi.advanceTimersByTimeAsync(34_000)
    socket.hear({ op: 'heartbeat' })
    await vi.advanceTimersByTimeAsync(34_000)
    expect(client.status).toBe('open')
    await vi.advanceTimersByTimeAsync(1_500)
    expect(client.status).not.toBe('open')
    expect(socket.closedWith).toBe(1000)
  })

  test('gives up a handshake that is not answered', async () => {
    const { model, client, follow } = stand()
    follow('room/1')
    const first = model.last()
    await vi.advanceTimersByTimeAsync(20_500)
    expect(model.last()).not.toBe(first)
    first.accept() // too late: it is closed, and only now, so that the console does not complain
    expect(first.closedWith).toBe(1000)
    expect(client.status).toBe('connecting')
  })

  for (const code of [4400, 4401, 4403, 4404, 4406])
    test(`stops after ${code}`, async () => {
      const { model, client, follow } = stand()
      const { heard, subscription } = follow('room/1')
      connect(model).cut(code, 'why')
      await vi.advanceTimersByTimeAsync(60_000)
      expect([client.status, client.error?.code]).toEqual(['stopped', 'why'])
      expect(heard).toEqual(['live', 'pending', 'stopped', 'error why'])
      expect(subscription.error?.retryable).toBe(false)
      expect(follow('room/2').subscription.status).toBe('stopped')
      client.reconnect()
      connect(model)
      expect(subscription.status).toBe('live')
    })

  for (const code of [1001, 1006, 1011, 1012, 1013, 4429])
    test(`comes back after ${code} with its cursor`, async () => {
      const { model, follow, commit } = stand()
      const { heard } = follow('room/1')
      const socket = connect(model)
      commit('room/1')
      socket.flow()
      socket.cut(code)
      commit('room/1')
      await again(model)
      expect(heard).toEqual(['live', '1', 'pending', 'live', '2'])
      expect(subscribes(model.last())[0]).toHaveProperty('since')
    })

  test('closes for good', async () => {
    const { model, client, follow } = stand()
    const { heard, subscription } = follow('room/1')
    connect(model)
    client.close()
    client.reconnect()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([client.status, subscription.status, follow('room/2').subscription.status]).toEqual(['closed', 'closed', 'closed'])
    expect(heard.at(-1)).toBe('closed')
    expect(model.sockets).toHaveLength(0)
  })

  test('bears frames that are none, and that it does not know', () => {
    const { model, follow, commit } = stand()
    const { heard } = follow('room/1')
    const socket = connect(model)
    for (const text of ['', '{', 'null', '[]', '7', '{"op":"later"}', '{"op":"event","topic":"nobody","id":"1"}', '{"op":"error","code":"x"}', '{"op":"reset","topic":"x"}'])
      socket.hear(text)
    commit('room/1')
    socket.flow()
    expect(heard).toEqual(['live', '1'])
  })
})

describe('a page', () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  beforeEach(() => {
    const world = new EventTarget()
    vi.stubGlobal('document', page)
    vi.stubGlobal('addEventListener', world.addEventListener.bind(world))
    vi.stubGlobal('removeEventListener', world.removeEventListener.bind(world))
    vi.stubGlobal('dispatchEvent', world.dispatchEvent.bind(world))
  })
  afterEach(() => void vi.unstubAllGlobals())

  for (const [name, wake] of Object.entries({
    'that is online again': () => dispatchEvent(new Event('online')),
    'that is visible again': () => page.dispatchEvent(new Event('visibilitychange')),
  })) {
    test(`${name} connects at once`, () => {
      vi.spyOn(Math, 'random').mockReturnValue(0.99)
      const { model, client, follow } = stand()
      follow('room/1')
      connect(model).cut()
      wake()
      expect(client.status).toBe('connecting')
      vi.restoreAllMocks()
    })

    test(`${name} asks whether the socket is alive`, async () => {
      const { model, client, follow } = stand()
      follow('room/1')
      const socket = connect(model)
      wake()
      expect(socket.sent.at(-1)).toEqual({ op: 'ping' })
      socket.flow()
      await vi.advanceTimersByTimeAsync(6000)
      expect(client.status).toBe('open')
      wake()
      await vi.advanceTimersByTimeAsync(5600)
      expect(client.status).not.toBe('open')
    })
  }
})

describe('tokens', () => {
  const jwt = (seconds: number, name = 'a') => `h.${btoa(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + seconds, name }))}.s`

  test('go as a subprotocol, and are asked for before each connect', async () => {
    const getToken = vi.fn(async () => 'a.b.c?>')
    const { model, follow } = stand({ getToken })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    expect(model.last().protocols).toEqual(['rowcall.v1', 'rowcall.bearer.YS5iLmM_Pg'])
    connect(model).cut()
    await vi.advanceTimersByTimeAsync(500)
    expect(getToken.mock.calls).toEqual([[{ fresh: false }], [{ fresh: false }]])
  })

  test('are renewed before they expire, on the open socket', async () => {
    const tokens = [jwt(100), jwt(1000, 'b'), jwt(2000, 'c')]
    const getToken = vi.fn(() => tokens.shift())
    const { model, follow } = stand({ getToken })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    const socket = connect(model)
    const second = tokens[0]
    const beat = setInterval(() => socket.hear({ op: 'heartbeat' }), 20_000)
    await vi.advanceTimersByTimeAsync(81_000)
    clearInterval(beat)
    expect(getToken).toHaveBeenLastCalledWith({ fresh: true })
    expect(socket.sent.at(-1)).toEqual({ op: 'auth', token: second })
  })

  test('that cannot be renewed are asked for again, and the socket stays', async () => {
    let calls = 0
    const first = jwt(100)
    const { model, client, follow } = stand({
      getToken: () => {
        if (calls++) throw new Error('the issuer is away')
        return first
      },
    })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    const socket = connect(model)
    const beat = setInterval(() => socket.hear({ op: 'heartbeat' }), 20_000)
    await vi.advanceTimersByTimeAsync(96_000)
    clearInterval(beat)
    expect(calls).toBeGreaterThan(3)
    expect(client.status).toBe('open')
    expect(socket.sent.filter((r) => r.op === 'auth')).toEqual([])
  })

  test('of somebody else need another socket', async () => {
    let user = 'a'
    const { model, follow } = stand({ getToken: () => jwt(user === 'a' ? 100 : 5000, user) })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    const socket = connect(model)
    const beat = setInterval(() => socket.hear({ op: 'heartbeat' }), 20_000)
    user = 'b'
    await vi.advanceTimersByTimeAsync(81_000)
    clearInterval(beat)
    socket.hear({ op: 'error', code: 'forbidden', message: '', retryable: false })
    await vi.advanceTimersByTimeAsync(0)
    expect(model.last()).not.toBe(socket)
  })

  test('that are refused are replaced once', async () => {
    const getToken = vi.fn(() => 'x')
    const { model, client, follow } = stand({ getToken })
    follow('room/1')
    model.closing = { code: 4401, reason: 'unauthorized' }
    await vi.advanceTimersByTimeAsync(0)
    model.last().accept()
    await vi.advanceTimersByTimeAsync(0)
    expect(getToken).toHaveBeenLastCalledWith({ fresh: true })
    expect(client.status).toBe('connecting')
    model.last().accept()
    expect([client.status, client.error?.code]).toEqual(['stopped', 'unauthorized'])
    model.closing = undefined
    client.reconnect()
    await vi.advanceTimersByTimeAsync(0)
    connect(model).cut(4401) // it was good for a while: one more try
    await vi.advanceTimersByTimeAsync(0)
    expect(client.status).toBe('connecting')
  })

  test('that cannot be had are tried again', async () => {
    const getToken = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('away')).mockResolvedValue('x')
    const { model, client, follow } = stand({ getToken })
    follow('room/1')
    await vi.advanceTimersByTimeAsync(0)
    expect([client.status, client.error?.code]).toEqual(['waiting', 'connect'])
    await vi.advanceTimersByTimeAsync(600)
    connect(model)
    expect(client.status).toBe('open')
  })
})

test('a handler that throws stops nobody, and is reported', async () => {
  const { model, client, follow, commit } = stand()
  const reported = vi.fn()
  vi.stubGlobal('reportError', reported)
  const fault = new Error('mine')
  client.subscribe('room/1', () => {
    throw fault
  })
  const { heard } = follow('room/1')
  const socket = connect(model)
  commit('room/1')
  socket.flow()
  expect(heard).toEqual(['live', '1'])
  expect(reported).toHaveBeenCalledWith(fault)
  vi.unstubAllGlobals()
})

test('nothing is said in the console', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(nothing)
  const warned = vi.spyOn(console, 'warn').mockImplementation(nothing)
  const { model, follow } = stand()
  follow('room/1')
  connect(model).cut(4403)
  expect([said.mock.calls, warned.mock.calls]).toEqual([[], []])
})
