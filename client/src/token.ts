/** The subprotocol that carries a token. Browsers cannot set a header on a handshake. */
export function bearerProtocol(token: string): string {
  return 'rowcall.bearer.' + btoa(token).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** How many milliseconds remain until a JWT expires, by this machine's clock; NaN if the token does not say. */
export function timeLeft(token: string): number {
  try {
    return JSON.parse(atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'))).exp * 1000 - Date.now()
  } catch {
    return NaN
  }
}
