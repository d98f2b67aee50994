import { describe, expect, test } from 'vitest'
import { parseJSON } from '../src/index.js'

describe('parseJSON', () => {
  test.each([
    // whole numbers
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['9223372036854775807', '9223372036854775807'],
    ['1541815603606036480', '1541815603606036480'],
    ['0', 0],
    ['-0', -0],
    // decimals
    ['1.10', 1.1],
    ['0.1', 0.1],
    ['0.30000000000000004', 0.30000000000000004],
    ['1.000000000000000000', 1],
    ['0.00000000000000000000', 0],
    ['12345678901234567.89', '12345678901234567.89'],
    ['0.12345678901234567890', '0.12345678901234567890'],
    ['3.141592653589793238', '3.141592653589793238'],
    ['-0.1234567890123456789', '-0.1234567890123456789'],
    // exponents
    ['1e+20', 1e20],
    ['1.2345678901234567e+20', 1.2345678901234567e20],
    ['1.7976931348623157e+308', 1.7976931348623157e308],
    ['5e-324', 5e-324],
    ['1e400', '1e400'],
    ['1E-400', '1E-400'],
  ])('%s is %j', (text, value) => {
    expect(parseJSON(text)).toBe(value)
    expect(parseJSON(`{"a":[${text},{"b":${text}}]}`)).toEqual({ a: [value, { b: value }] })
  })

  test('digits in strings stay as they are', () => {
    for (const value of ['9007199254740993', 'say "9007199254740993"', '\\', '\\"9007199254740993', '"', 'é 9007199254740993\n', 'a\u2028\u00009007199254740993'])
      expect(parseJSON(JSON.stringify({ [value]: [value], n: 1 }))).toEqual({ [value]: [value], n: 1 })
  })

  test('text that is not JSON is refused', () => {
    for (const text of ['', '{', '01234567890123456789', '9007199254740993abc', '1.2.3e999', '"9007199254740993', '[9007199254740993,]', '--9007199254740993', '9007199254740993"'])
      expect(() => parseJSON(text), text).toThrow(SyntaxError)
  })

  test('a large text takes a moment, not more', () => {
    const long = JSON.stringify({ id: 0, text: 'x\\"'.repeat(500_000) }).replace('0', '9007199254740993')
    expect(parseJSON(long).id).toBe('9007199254740993')
    const many = `[${Array.from({ length: 200_000 }, (_, i) => `{"id":${9007199254740993n + BigInt(i)}}`).join()}]`
    expect(parseJSON(many)[1]).toEqual({ id: '9007199254740994' })
  })

  test('random numbers keep their value', () => {
    for (let seed = 1n; seed < 5_000n; seed++) {
      const digits = String((seed * 6364136223846793005n + 1442695040888963407n) % 10n ** ((seed % 20n) + 1n))
      const text = seed % 3n ? digits : `${digits}.${seed}`
      const value = parseJSON(text)
      if (typeof value === 'number') expect(value.toLocaleString('en', { useGrouping: false, maximumFractionDigits: 20 }), text).toBe(text.replace(/(\.\d*?)0+$/, '$1'))
      else expect(value).toBe(text)
    }
  })
})
