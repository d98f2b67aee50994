import { RowcallError } from './error.js'
import type { Subscribe } from './subscription.js'
import type { EventsOptions, RowcallEvent, Subscription } from './types.js'

/**
 * Returns a topic's events for a `for await` loop, from this call on. If the loop is slower than the events and the buffer
 * is full, it unsubscribes; when the buffer is empty, it subscribes again from its cursor. The log keeps the events between.
 */
export function iterate(subscribe: Subscribe, topic: string, options: EventsOptions = {}): AsyncGenerator<RowcallEvent, void> {
  const { signal, onReset = ({ reason }) => end(new RowcallError('reset', reason)), buffer = 1000 } = options
  const waiting: RowcallEvent[] = []
  let { since } = options
  let subscription: Subscription | undefined
  let ended: RowcallError | true | undefined // true: without an error
  let wake = () => {}

  function follow(): void {
    subscription = subscribe(
      topic,
      (event, { cursor }) => {
        waiting.push(event)
        // The cursor stands exactly after this event only if the event brought it: if it differs from the cursor before.
        if (waiting.length >= buffer && cursor !== since) leave()
        since = cursor
        wake()
      },
      {
        since,
        signal,
        onReset,
        onStatus: (status) => subscription && /^[sc]/.test(status) && end(subscription.error), // stopped or closed
      },
    )
  }

  function leave(): void {
    const left = subscription
    subscription = undefined
    left?.unsubscribe()
  }

  function end(why?: RowcallError): void {
    ended ??= why ?? true
    leave()
    wake()
  }

  async function* loop(): AsyncGenerator<RowcallEvent, void> {
    try {
      for (;;) {
        while (waiting[0]) yield waiting.shift()!
        if (ended === true) return
        if (ended) throw ended
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
