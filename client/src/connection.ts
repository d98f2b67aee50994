import { RowcallError } from './error.js'
import { parseFrame, type Frame, type Request } from './frames.js'
import { bearer, timeLeft } from './token.js'
import type { ClientOptions, Status } from './types.js'

const protocol = 'rowcall.v1'
const slack = 10_000 // how long after a heartbeat was due the connection counts as lost
const handshake = 20_000 // how long a handshake may take
const probe = 5_000 // how long an answer may take after a network or a page has come back
const longest = 2 ** 31 - 1 // that a timer may wait
const final = [4400, 4401, 4403, 4404, 4406] // closes that coming back cannot mend

/** One socket at a time, and the next one when it is lost. */
export interface Connection {
  readonly status: Status
  readonly error: RowcallError | undefined
  /** Connects, unless it has. */
  start(): void
  /** Lets go of the socket: nobody needs it. */
  rest(): void
  /** Connects anew, at once, whatever was before. */
  restart(): void
  /** What is sent while nothing is open is lost. */
  send(request: Request): void
  close(): void
}

/** hear gets all frames; changed is called after each change of the status. */
export function openConnection(options: ClientOptions, hear: (frame: Frame) => void, changed: () => void): Connection {
  const { getToken, backoff: { min = 500, max = 20_000 } = {}, WebSocket: Socket = globalThis.WebSocket } = options
  let status: Status = 'idle'
  let error: RowcallError | undefined
  let socket: WebSocket | undefined
  let dialed = 0 // counts attempts; what belongs to an earlier one is of no interest any more
  let failures = 0 // since the last welcome
  let patience = handshake // how long silence is borne
  let token: string | null | undefined
  let renewing = false // a newer token was sent, or is being asked for
  let refused = false // the last token was not accepted
  let timer: ReturnType<typeof setTimeout> | undefined // of the next attempt, or the next token
  let watchdog: ReturnType<typeof setTimeout> | undefined

  function become(next: Status, why?: RowcallError): void {
    if (status === 'closed') return
    status = next
    error = why
    changed()
  }

  function send(request: Request): void {
    socket?.send(JSON.stringify(request))
  }

  async function dial(): Promise<void> {
    release()
    const attempt = dialed
    wait()
    become('connecting')
    try {
      token = getToken && (await getToken({ fresh: refused }))
      if (attempt === dialed) open(new Socket(address(options.url), token ? [protocol, bearer(token)] : [protocol]))
    } catch (cause) {
      if (attempt === dialed) retry(new RowcallError('connect', String(cause), true))
    }
  }

  function open(made: WebSocket): void {
    socket = made
    made.onmessage = ({ data }) => {
      if (socket === made) take(parseFrame(data))
    }
    made.onclose = ({ code, reason }) => {
      if (socket === made) ended(code, reason)
    }
    made.onerror = () => {} // a close follows; a socket of the package ws throws without this
  }

  function take(frame: Frame | undefined): void {
    if (frame?.op === 'welcome') welcomed(frame.heartbeat)
    wait()
    if (frame?.op === 'subscribed') refused = false
    if (frame?.op === 'error' && !frame.topic) {
      // The token before still counts. One that is somebody else's needs a socket of its own.
      if (renewing && frame.code === 'forbidden') restart()
      renewing = false
    } else if (frame) hear(frame)
  }

  function welcomed(heartbeat: number): void {
    failures = 0
    patience = heartbeat + slack
    renewLater(0.8)
    become('open')
  }

  /** Silence for this long, from now, means that the connection is lost. */
  function wait(time = patience): void {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => retry(), time)
  }

  function ended(code: number, reason: string): void {
    const over = final.includes(code)
    const why = new RowcallError(reason || 'closed', `closed with ${code}`, !over)
    if (code === 4401 && getToken && !refused) {
      refused = true
      void dial()
    } else if (over) {
      release()
      become('stopped', why)
    } else retry(why)
  }

  function retry(why?: RowcallError): void {
    release()
    timer = setTimeout(dial, Math.random() * Math.min(max, min * 2 ** failures++))
    become('waiting', why)
  }

  /** Forgets the socket and all that is to come of this attempt. */
  function release(): void {
    dialed++
    patience = handshake
    clearTimeout(timer)
    clearTimeout(watchdog)
    renewing = false
    const old = socket
    socket = undefined
    if (old) hangUp(old)
  }

  // The token is renewed on the open socket.

  /** Asks for the next token when a part of this one's time has passed, a smaller one after a refusal. */
  function renewLater(part: number): void {
    const left = timeLeft(token ?? '')
    if (left > 0) timer = setTimeout(renew, Math.min(longest, Math.max(1000, left * part)))
  }

  async function renew(): Promise<void> {
    const attempt = dialed
    let next: typeof token
    try {
      next = await getToken!({ fresh: true })
    } catch {} // the one there is may still do for a while
    if (attempt !== dialed) return
    if (!next || next === token) return renewLater(0.2)
    token = next
    renewing = true
    send({ op: 'auth', token })
    renewLater(0.8)
  }

  function restart(): void {
    failures = 0
    refused = false
    if (status !== 'closed') void dial()
  }

  /** The network or the page is back: what was put off is done now, and what seems open has to prove it. */
  function wake(): void {
    if (status === 'waiting') restart()
    else if (status === 'open') {
      send({ op: 'ping' })
      wait(probe)
    }
  }

  const page: Document | undefined = globalThis.document
  const shown = () => page!.visibilityState === 'visible' && wake()
  // A page that the browser keeps, to go back to, would hold its socket and hear nothing. Shown again, it wakes.
  globalThis.addEventListener?.('pagehide', () => socket && retry())
  globalThis.addEventListener?.('online', wake)
  page?.addEventListener('visibilitychange', shown)

  return {
    get status() {
      return status
    },
    get error() {
      return error
    },
    start() {
      if (status === 'idle') void dial()
    },
    rest() {
      release()
      become('idle')
    },
    restart,
    send,
    close() {
      release()
      globalThis.removeEventListener?.('online', wake)
      page?.removeEventListener('visibilitychange', shown)
      become('closed')
    },
  }
}

/** Closes a socket that nobody listens to any more. One that is still connecting would complain, in the console. */
function hangUp(socket: WebSocket): void {
  const close = () => socket.close(1000)
  if (socket.readyState === 0) socket.onopen = close
  else close()
}

function address(url: string | URL = '/'): string {
  const full = new URL(url, globalThis.location?.href)
  full.protocol = full.protocol.replace('http', 'ws')
  if (full.pathname === '/') full.pathname = '/v1/ws'
  return full.href
}
