/** The subprotocol that carries a token: browsers cannot set a header on a handshake. */
export function bearer(token: string): string {
  return 'rowcall.bearer.' + btoa(token).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')
}

/** How many milliseconds a JWT has left, by this clock; NaN for what does not say. */
export function timeLeft(token: string): number {
  try {
    return JSON.parse(atob(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'))).exp * 1000 - Date.now()
  } catch {
    return NaN
  }
}
