/** An error of the server or of the connection. The message is the server's where it sent one. */
export class RowcallError extends Error {
  override name = 'RowcallError'

  /**
   * @param code a word for programs: `forbidden`, `not_found`, `unauthorized` and so on
   * @param retryable whether the client tries again without the caller doing anything
   */
  constructor(
    readonly code: string,
    message: string,
    readonly retryable = false,
  ) {
    super(message)
  }
}

/** Calls a function of the user's. An error that it throws is reported like an uncaught error, and does not reach the caller. */
export function callSafely(call: () => void): void {
  try {
    call()
  } catch (error) {
    if (typeof reportError === 'function') reportError(error)
    else
      queueMicrotask(() => {
        throw error
      })
  }
}
