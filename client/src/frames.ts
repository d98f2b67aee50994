/** What the server says. There may be more of both ops and keys: they are passed over. */
export type Frame =
  | { op: 'welcome'; session: string; heartbeat: number; max_subscriptions: number }
  | SubscribedFrame
  | EventFrame
  | { op: 'reset'; topic: string; reason: string; cursor: string }
  | { op: 'unsubscribed'; topic: string }
  | ErrorFrame
  | { op: 'heartbeat' | 'pong'; cursor?: string }

export interface SubscribedFrame {
  op: 'subscribed'
  topic: string
  /** The client's spelling, where it is another. */
  requested?: string
  cursor: string
  recovered?: boolean
  reason?: string
  snapshot?: unknown[]
}

export interface EventFrame {
  op: 'event'
  topic: string
  /** The subscription's topic, where it lies above the event's. */
  followed?: string
  id: string
  type: string
  data: unknown
  time: string
  /** Missing in the middle of some large transactions. */
  cursor?: string
  skipped?: number
}

export interface ErrorFrame {
  op: 'error'
  topic?: string
  code: string
  message: string
  retryable: boolean
  /** In seconds. */
  retry_after?: number
}

/** What the server is asked. */
export type Request =
  | { op: 'subscribe'; topic: string; since?: string; snapshot?: true }
  | { op: 'unsubscribe'; topic: string }
  | { op: 'auth'; token: string }
  | { op: 'ping' }

/** A frame, or nothing for what is none. */
export function parseFrame(text: unknown): Frame | undefined {
  try {
    const frame = JSON.parse(text as string)
    return frame && typeof frame === 'object' ? frame : undefined
  } catch {
    return undefined
  }
}
