import type { Subscribe } from './client.js'
import { RowcallError } from './error.js'
import type { EventsOptions, RowcallEvent, Subscription } from './types.js'

/**
 * A topic's events for a loop, from this call on. Where the loop is slower than the events, the topic is left when the
 * buffer is full and resumed by its cursor when it is empty: the log keeps the rest.
 */
export function iterate(subscribe: Subscribe, topic: string, options: EventsOptions = {}): AsyncGenerator<RowcallEvent, void> {
  const { signal, onReset = ({ reason }) => end(new RowcallError('reset', reason)), buffer = 1000 } = options
  const waiting: RowcallEvent[] = []
  let { since } = options
  let subscription: Subscription | undefined
  let over: RowcallError | true | undefined
  let wake = () => {}

  function follow(): void {
    subscription = subscribe(
      topic,
      (event, { cursor }) => {
        waiting.push(event)
        // It can be left exactly where an event has a cursor of its own: another one than the event before.
        if (waiting.length >= buffer && cursor !== since) leave()
        since = cursor
        wake()
      },
      {
        since,
        signal,
        onReset,
        onStatus: (status) => subscription && /^[sc]/.test(status) && end(subscription.error),
      },
    )
  }

  function leave(): void {
    const left = subscription
    subscription = undefined
    left?.unsubscribe()
  }

  function end(why?: RowcallError): void {
    over ??= why ?? true
    leave()
    wake()
  }

  async function* loop(): AsyncGenerator<RowcallEvent, void> {
    try {
      for (;;) {
        while (waiting[0]) yield waiting.shift()!
        if (over === true) return
        if (over) throw over
        if (!subscription) follow()
        await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      leave()
    }
  }

  follow()
  return loop()
}
