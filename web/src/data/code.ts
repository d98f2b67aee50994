// The one-time code of rowcall watch. It stands behind the # of the page's address, which browsers do not send, and is removed
// from the address and the history before it is used.
import { Problem, request } from './api.ts';

const CODE = /^#code=([A-Z2-7]+)$/;

// findCode returns the code in the page's address; undefined if there is none.
export const findCode = (hash = location.hash): string | undefined => CODE.exec(hash)?.[1];

let pending: string | undefined; // taken from the address, and not answered yet

// redeemCode exchanges the code in the page's address for a cookie. It returns why the server refuses the code; empty if it
// does not, or if there is no code. It throws a Problem if the server does not answer: the same code can then be tried again.
export async function redeemCode(): Promise<string> {
  const found = findCode();
  if (found) {
    pending = found;
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  if (!pending) return '';
  const code = pending;
  try {
    await request('POST', '/api/code', { body: { code } });
  } catch (error) {
    if (!(error instanceof Problem) || error.passing) throw error;
    pending = undefined;
    return error.message;
  }
  pending = undefined;
  return '';
}
