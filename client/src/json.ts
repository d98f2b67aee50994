// Finds a number that may be inexact: one of sixteen digits or more, or one with a large exponent.
const suspect = /\d[\d.]{15}|\d[eE][+-]?\d{3}/

// Matches an escaped character, the quote at either end of a string, or a number, which may be in a string.
const part = /\\.|"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * Parses JSON like `JSON.parse`, but keeps every number exact: a number that JavaScript would round is returned as a string
 * with its digits. These are all whole numbers beyond `Number.MAX_SAFE_INTEGER`, and decimals with too many digits.
 */
export function parseJSON(text: string): any {
  return JSON.parse(quoteInexact(text, (digits) => `"${digits}"`))
}

/** Replaces the numbers in JSON text that JavaScript would round. All other text stays as it is. */
export function quoteInexact(text: string, quote: (digits: string) => string): string {
  let inString = false
  if (!suspect.test(text)) return text
  return text.replace(part, (found) => {
    if (found === '"') inString = !inString
    return inString || /["\\]/.test(found) || isExact(found) ? found : quote(found)
  })
}

function isExact(digits: string): boolean {
  const value = Number(digits)
  return /[.eE]/.test(digits) ? normalize(digits) === normalize(String(value)) : Number.isSafeInteger(value)
}

/** Returns the same text for all spellings of a number, whatever its sign: its significant digits and a power of ten. */
function normalize(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = (whole + fraction).replace(/^-?0*/, '')
  const significant = digits.replace(/0+$/, '')
  const power = Number(exponent) - fraction.length + digits.length - significant.length
  return significant && `${significant}e${power}`
}
