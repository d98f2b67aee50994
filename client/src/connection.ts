import { RowcallError } from './error.js'
import { parseFrame, type Frame, type Request } from './frames.js'
import { bearerProtocol, timeLeft } from './token.js'
import type { ClientOptions, Status } from './types.js'

const protocol = 'rowcall.v1'
const handshakeTimeout = 20_000
const heartbeatSlack = 10_000 // how late a heartbeat may be before the connection counts as lost
const probeTimeout = 5_000 // how long a pong may take after the network or the page has come back
const longestTimer = 2 ** 31 - 1
const finalCloseCodes = [4400, 4401, 4403, 4404, 4406] // after these, connecting again would be refused again
const originRefused = 'origin_not_allowed'

/** Keeps one socket open: when it is lost, connects again. */
export interface Connection {
  readonly status: Status
  /** Why the connection is not open; undefined before the first failure, and while it is open. */
  readonly error: RowcallError | undefined
  /** Connects, if the connection is idle. */
  start(): void
  /** Closes the socket until the next start: nothing is followed. */
  rest(): void
  /** Connects again at once, in whatever state the connection is. */
  restart(): void
  /** Sends a frame. While no socket is open, the frame is dropped. */
  send(request: Request): void
  /** Closes the socket for good. */
  close(): void
}

/** Returns an idle connection. It passes every frame to `onFrame`, and calls `onChange` after each change of the status. */
export function openConnection(options: ClientOptions, onFrame: (frame: Frame) => void, onChange: () => void): Connection {
  const { url, getToken, backoff: { min = 500, max = 20_000 } = {} } = options
  let status: Status = 'idle'
  let error: RowcallError | undefined
  let socket: WebSocket | undefined
  let attempt = 0 // the number of this attempt to connect; callbacks of earlier attempts are ignored
  let failures = 0 // attempts that failed since the last welcome
  let welcomed = false // the server has accepted this client before
  let askingWhy = false // the server is being asked why it refused the handshake
  let silenceLimit = handshakeTimeout
  let token: string | null | undefined
  let tokenSent = false // a newer token was sent on the open socket
  let tokenRefused = false // the server did not accept the last token
  let timer: ReturnType<typeof setTimeout> | undefined // of the next attempt, or of the next token
  let silenceTimer: ReturnType<typeof setTimeout> | undefined

  function become(next: Status, why?: RowcallError): void {
    if (status === 'closed') return
    status = next
    error = why
    onChange()
  }

  /** Ends the connection until a restart: another attempt would fail again. */
  function stop(why: RowcallError): void {
    dropSocket()
    become('stopped', why)
  }

  function send(request: Request): void {
    socket?.send(JSON.stringify(request))
  }

  async function connect(): Promise<void> {
    const Socket = options.WebSocket ?? globalThis.WebSocket
    if (!Socket) return giveUp('no_websocket', 'no WebSocket: give that of the package ws to createClient({ url, WebSocket })')
    dropSocket()
    const mine = attempt
    expectFrame()
    become('connecting', error)
    try {
      token = getToken && (await getToken({ fresh: tokenRefused }))
    } catch (cause) {
      if (mine === attempt) retry(new RowcallError('connect', String(cause), true))
    }
    if (mine !== attempt) return
    try {
      listen(new Socket(socketURL(url), token ? [protocol, bearerProtocol(token)] : [protocol]))
    } catch (cause) {
      giveUp('connect', `no socket, see url and WebSocket: ${cause}`)
    }
  }

  /** Stops because of an error of the program, and says so in the console. */
  function giveUp(code: string, message: string): void {
    console.error('rowcall: ' + message)
    stop(new RowcallError(code, message))
  }

  function listen(created: WebSocket): void {
    socket = created
    created.onmessage = ({ data }) => {
      if (socket === created) receive(parseFrame(data))
    }
    created.onclose = ({ code, reason }) => {
      if (socket === created) onClose(code, reason)
    }
    created.onerror = () => {} // onclose follows; without this handler, a socket of the package ws throws
  }

  function receive(frame: Frame | undefined): void {
    if (frame?.op === 'welcome') onWelcome(frame.heartbeat)
    expectFrame()
    if (frame?.op === 'subscribed') tokenRefused = false
    if (frame?.op === 'error' && !frame.topic) {
      // The server keeps the token before. A token of another user needs a new socket.
      if (tokenSent && frame.code === 'forbidden') restart()
      tokenSent = false
    } else if (frame) onFrame(frame)
  }

  function onWelcome(heartbeat: number): void {
    failures = 0
    welcomed = true
    silenceLimit = heartbeat + heartbeatSlack
    renewTokenAfter(0.8)
    become('open')
  }

  /** Starts the silence timer anew: if no frame arrives within the limit, the connection counts as lost. */
  function expectFrame(limit = silenceLimit): void {
    clearTimeout(silenceTimer)
    silenceTimer = setTimeout(() => retry(new RowcallError('timeout', 'the server does not answer', true)), limit)
  }

  function onClose(code: number, reason: string): void {
    const final = finalCloseCodes.includes(code)
    const message = code === 1006 ? 'the connection is lost or cannot be opened' : `closed with ${code}`
    const why = new RowcallError(reason || 'closed', message, !final)
    if (code === 4401 && getToken && !tokenRefused) {
      tokenRefused = true
      void connect()
    } else if (final) stop(why)
    else {
      retry(why)
      if (code === 1006 && !welcomed) void askWhy()
    }
  }

  /**
   * Asks over HTTP why the handshake failed, since a browser does not show a page the answer to a handshake. If the server
   * does not accept pages of this origin, trying again is useless. All other reasons may pass.
   */
  async function askWhy(): Promise<void> {
    if (askingWhy || !globalThis.location) return
    askingWhy = true
    const code = await refusalOf(socketURL(url))
    askingWhy = false
    if (code !== originRefused || welcomed || (status !== 'waiting' && status !== 'connecting')) return
    stop(new RowcallError(code, `add ${location.origin} to http.origins of the server`))
  }

  /** Connects again after a random delay, whose upper bound doubles with each failure. */
  function retry(why?: RowcallError): void {
    dropSocket()
    timer = setTimeout(connect, Math.random() * Math.min(max, min * 2 ** failures++))
    become('waiting', why)
  }

  /** Closes the socket and cancels everything that belongs to this attempt. */
  function dropSocket(): void {
    attempt++
    silenceLimit = handshakeTimeout
    clearTimeout(timer)
    clearTimeout(silenceTimer)
    tokenSent = false
    const old = socket
    socket = undefined
    if (old) hangUp(old)
  }

  // The token is renewed on the open socket.

  /** Renews the token when the given part of its remaining time has passed. */
  function renewTokenAfter(part: number): void {
    const left = timeLeft(token ?? '')
    if (left > 0) timer = setTimeout(renewToken, Math.min(longestTimer, Math.max(1000, left * part)))
  }

  async function renewToken(): Promise<void> {
    const mine = attempt
    let next: typeof token
    try {
      next = await getToken!({ fresh: true })
    } catch {} // the present token is valid for some time yet: ask again soon
    if (mine !== attempt) return
    if (!next || next === token) return renewTokenAfter(0.2)
    token = next
    tokenSent = true
    send({ op: 'auth', token })
    renewTokenAfter(0.8)
  }

  function restart(): void {
    failures = 0
    tokenRefused = false
    error = undefined
    if (status !== 'closed') void connect()
  }

  // In a browser, the connection follows the network and the page.

  /** The network or the page is back: ends the delay before the next attempt, and checks a socket that seems open. */
  function wake(): void {
    if (status === 'waiting') {
      failures = 0
      void connect()
    } else if (status === 'open') {
      send({ op: 'ping' })
      expectFrame(probeTimeout)
    }
  }

  /** The page was left. The browser may keep it, without running it: it must hold no socket, nor open one, until it is shown again. */
  function sleep(): void {
    if (status === 'idle' || status === 'stopped') return
    dropSocket()
    become('waiting', error)
  }

  const page: Document | undefined = globalThis.document
  const onVisible = () => page!.visibilityState === 'visible' && wake()
  const listening = new AbortController()
  const { signal } = listening
  globalThis.addEventListener?.('pagehide', sleep, { signal })
  globalThis.addEventListener?.('pageshow', wake, { signal })
  globalThis.addEventListener?.('online', wake, { signal })
  page?.addEventListener('visibilitychange', onVisible, { signal })

  return {
    get status() {
      return status
    },
    get error() {
      return error
    },
    start() {
      if (status === 'idle') void connect()
    },
    rest() {
      dropSocket()
      become('idle')
    },
    restart,
    send,
    close() {
      dropSocket()
      listening.abort()
      become('closed')
    },
  }
}

/** Closes a socket. A socket that is still connecting is closed when it opens: closing it earlier logs an error in the console. */
function hangUp(socket: WebSocket): void {
  const close = () => socket.close(1000)
  if (socket.readyState === 0) socket.onopen = close
  else close()
}

/** Returns the code of the problem document that answers an HTTP request to the socket's address; undefined if there is none. */
async function refusalOf(address: string): Promise<string | undefined> {
  try {
    const answer = await fetch(address.replace('ws', 'http'), { method: 'POST', credentials: 'omit' })
    return (await answer.json()).code
  } catch {
    return undefined // the server does not answer, or the page may not read the answer
  }
}

function socketURL(url: string | URL = '/'): string {
  const full = new URL(url, globalThis.location?.href)
  full.protocol = full.protocol.replace('http', 'ws')
  if (full.pathname === '/') full.pathname = '/v1/ws'
  return full.href
}
