/** Something that was refused, in the server's words. */
export class RowcallError extends Error {
  override name = 'RowcallError'

  /**
   * @param code for programs: `forbidden`, `not_found`, `unauthorized` and so on
   * @param retryable whether it is tried again without anybody's doing
   */
  constructor(
    readonly code: string,
    message: string,
    readonly retryable = false,
  ) {
    super(message)
  }
}

/** Calls somebody else's function. What it throws is reported like an uncaught error, and stops nobody. */
export function guarded(call: () => void): void {
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
