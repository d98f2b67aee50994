import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { reconnected, connect, openClient } from './open_client.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

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
