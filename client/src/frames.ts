import { parseJSON } from './json.js'

/** A frame from the server. The client ignores ops and keys that are not listed here. */
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
  /** The topic as the client spelled it, if the server spells it differently. */
  requested?: string
  cursor: string
  recovered?: boolean
  reason?: string
  snapshot?: unknown[]
  /** Whether the topic has more rows than the snapshot. */
  truncated?: boolean
}

export interface EventFrame {
  op: 'event'
  topic: string
  /** The topic of the subscription, if the event's topic is below it. */
  followed?: string
  id: string
  type: string
  data: unknown
  time: string
  /** Absent in the middle of some large transactions. */
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

/** A frame to the server. */
export type Request =
  | { op: 'subscribe'; topic: string; since?: string; snapshot?: true }
  | { op: 'unsubscribe'; topic: string }
  | { op: 'auth'; token: string }
  | { op: 'ping' }

/** Parses the text of a frame. It returns undefined for anything that is not a JSON object. */
export function parseFrame(text: unknown): Frame | undefined {
  try {
    const frame = parseJSON(text as string)
    return frame && typeof frame === 'object' ? frame : undefined
  } catch {
    return undefined
  }
}
