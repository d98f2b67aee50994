// JSON without rounding. JavaScript rounds whole numbers beyond 2^53 and decimals with many digits; PostgreSQL does
// not. Here such a number keeps its digits, and is sent back as a number.
import { quoteInexact } from 'rowcall/json';

// ExactNumber is a number that JavaScript would round.
export class ExactNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  toString(): string {
    return this.digits;
  }

  toJSON(): string {
    return MARK + this.digits;
  }
}

// MARK begins the text that stands for an ExactNumber while JSON.parse or JSON.stringify runs. It is random, so that no text
// of a row begins with it.
const MARK = `\uE000${Math.random()}:`;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');

const unmark = (_: string, value: unknown) =>
  typeof value === 'string' && value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value;

export function parse(text: string): unknown {
  const marked = quoteInexact(text, (digits) => `"${MARK}${digits}"`);
  return marked === text ? JSON.parse(text) : JSON.parse(marked, unmark);
}

export function stringify(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(MARKED, '$1');
}
