// Requests to the server of these pages.
import { parse, stringify } from './json.ts';

// Problem is an error answer of the server, or a request without an answer. The message can be shown to users.
export class Problem extends Error {
  readonly status: number; // 0: no answer
  readonly code: string;
  readonly errors: Errors; // by field
  readonly retryAfter: number | null; // seconds

  constructor(status: number, code: string, message: string, errors: Errors = {}, retryAfter: number | null = null) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  // passing returns whether the same request may succeed later: the server did not answer, or is overloaded.
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export type Errors = Record<string, string[]>;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RequestOptions {
  body?: unknown;
  signal?: AbortSignal;
}

// request sends a request, and returns the JSON of the answer; undefined if it has none. It throws a Problem.
export async function request<T>(method: Method, path: string, { body, signal }: RequestOptions = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: body === undefined ? undefined : stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'unreachable', 'The server cannot be reached.');
  }
  const answer = await contentOf(response);
  if (!response.ok) throw problemOf(response, answer);
  return answer as T;
}

// contentOf parses the JSON of an answer. It returns undefined for anything else, for example an error page of a proxy.
async function contentOf(response: Response): Promise<unknown> {
  const text = await response.text().catch(() => '');
  if (text === '' || !/json/.test(response.headers.get('Content-Type') ?? '')) return undefined;
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

interface Document {
  code?: string;
  detail?: string;
  title?: string;
  errors?: Errors;
}

function problemOf(response: Response, answer: unknown): Problem {
  const said = (answer ?? {}) as Document;
  const first = Object.values(said.errors ?? {}).flat()[0];
  const message = sentence(said.detail ?? first ?? said.title ?? `The server answered ${response.status}.`);
  const after = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  return new Problem(response.status, said.code ?? '', message, said.errors, Number.isNaN(after) ? null : after);
}

// sentence returns a text with a capital letter at its start and a full stop at its end.
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

// describe returns a message for users about an error.
export function describe(error: unknown): string {
  return error instanceof Error && error.message ? error.message : 'Something went wrong.';
}
