import { ChaintapError, PartialJson } from 'chaintap'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isReadRight } from '../support/json.ts'

/** The result after each piece. */
function resultsOf(pieces: readonly string[]): unknown[] {
  const json = new PartialJson()
  return pieces.map((piece) => {
    json.add(piece)
    return json.result()
  })
}

function whole(...pieces: readonly string[]): unknown {
  const json = new PartialJson()
  for (const piece of pieces) json.add(piece)
  return json.end()
}

function failure(text: string): { error: ChaintapError; json: PartialJson } {
  const json = new PartialJson()
  try {
    json.add(text)
    json.end()
  } catch (error) {
    if (error instanceof ChaintapError) return { error, json }
    throw error
  }
  throw new Error(`${text} was accepted`)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** Whether more text can extend `part` to `whole`: they differ only at the end of one string, array or object. */
function isBeginning(part: unknown, whole: unknown): boolean {
  if (typeof part === 'string') return typeof whole === 'string' && whole.startsWith(part)
  if (!isObject(part) || !isObject(whole) || Array.isArray(part) !== Array.isArray(whole)) return part === whole
  const open = Object.keys(part).filter((key) => !Object.hasOwn(whole, key) || !same(part[key], whole[key]))
  return open.every((key) => Object.hasOwn(whole, key) && isBeginning(part[key], whole[key])) && open.length <= 1
}

/** Containers that are equal in both values but not the same object. */
function twins(a: unknown, b: unknown): readonly unknown[] {
  if (a === b || !isObject(a) || !isObject(b)) return []
  if (same(a, b)) return [a]
  return Object.keys(a).flatMap((key) => (Object.hasOwn(b, key) ? twins(a[key], b[key]) : []))
}

const character = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', '"', '\\', '/', '\n', '\u0000', ' ', '{', ']', ',', 'é', '\u2028') },
  fc.constantFrom('😀', '\ud83d', '\ude00', '𝒳'),
)
const text = fc.string({ unit: character, maxLength: 8 })
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString', '0', '10', '-1', ''))
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.oneof(fc.double(), fc.integer(), fc.constantFrom(true, false, null), text),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
}))

/** JSON text, with or without white space, fully or minimally escaped. */
const jsonText = fc
  .tuple(value, fc.constantFrom('', ' ', '\t\n'), fc.boolean())
  .map(([value, space, isEscaped]) => {
    const json = `${space}${JSON.stringify(value, undefined, space)}${space}`
    const unicode = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
    return isEscaped ? json.replaceAll(/[^\0-~]/g, unicode) : json
  })
  .filter(isReadRight)

/** A text split at random positions. */
const cutUp = (arbitrary: fc.Arbitrary<string>) =>
  fc.tuple(arbitrary, fc.array(fc.nat(), { maxLength: 30 })).map(([text, places]) => {
    const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length]
    return at.slice(1).map((end, i) => text.slice(at[i], end))
  })

describe('PartialJson.result()', () => {
  it.each<[text: string, known: unknown]>([
    ['', undefined],
    [' \n', undefined],
    ['{', {}],
    ['{"a', {}],
    ['{"a"', {}],
    ['{"a":', {}],
    ['{"a": "', { a: '' }],
    ['{"a": "x', { a: 'x' }],
    ['{"a": "x"', { a: 'x' }],
    ['{"a": "x",', { a: 'x' }],
    ['{"a": "x", "b": [', { a: 'x', b: [] }],
    ['{"a": "x", "b": [{"c": {', { a: 'x', b: [{ c: {} }] }],
    // Numbers, true, false and null appear when complete
    ['[1', []],
    ['[1,', [1]],
    ['[-1.5e3 ', [-1500]],
    ['[tru', []],
    ['[true', []],
    ['[true, nul', [true]],
    ['{"a": 12', {}],
    ['{"a": 12}', { a: 12 }],
    ['12', undefined],
    // Neither half an escape nor half a surrogate pair
    ['"a\\', 'a'],
    ['"a\\n', 'a\n'],
    ['"a\\u00e', 'a'],
    ['"a\\u00e9', 'aé'],
    ['"a\ud83d', 'a'],
    ['"a\ud83d\ude00', 'a😀'],
    ['"a\\ud83d', 'a'],
    ['"a\\ud83d\\ude0', 'a'],
    ['"a\\ud83d\\ude00', 'a😀'],
    ['"a\\ud83d\\u00e9', 'a\ud83dé'],
    ['"a\\ud83d"', 'a\ud83d'],
    // The later value of a duplicate key wins
    ['{"a": [1], "a"', { a: [1] }],
    ['{"a": [1], "a": "', { a: '' }],
    ['{"a": [1], "a": 2}', { a: 2 }],
  ])('after %j is %j', (text, known) => {
    expect(resultsOf([text])).toEqual([known])
    expect(resultsOf(text.split('')).at(-1)).toEqual(known)
  })

  it('can be extended to the final value, wherever the text is split', () => {
    fc.assert(
      fc.property(cutUp(jsonText), (pieces) => {
        const final: unknown = JSON.parse(pieces.join(''))
        for (const known of resultsOf(pieces)) if (known !== undefined) expect(isBeginning(known, final)).toBe(true)
      }),
    )
  })

  it('is not changed by later text, and shares unchanged parts with the next result', () => {
    fc.assert(
      fc.property(cutUp(jsonText), (pieces) => {
        const json = new PartialJson()
        let last: unknown
        const known = pieces.map((piece) => {
          json.add(piece)
          const result = json.result()
          expect(twins(last, result)).toEqual([])
          last = result
          return { result, json: JSON.stringify(result) }
        })
        json.end()
        for (const { result, json } of known) expect(JSON.stringify(result)).toBe(json)
      }),
    )
  })

  it('is the same object as before if nothing more is known', () => {
    const [a, b, c, d] = resultsOf(['{"a": {"b": [1, 2, ', '3', '', '], "b'])
    expect([b, c]).toEqual([a, a])
    expect(b === a && c === a).toBe(true)
    expect(d).toEqual({ a: { b: [1, 2, 3] } })
  })

  it('shares closed containers with all later results', () => {
    const results = resultsOf(['[{"a": 1}', ',{"b":', ' "x', 'y"}', ', 1', ']']) as { length: number; 0: unknown; 1: unknown }[]
    expect(results.map(({ length }) => length)).toEqual([1, 2, 2, 2, 2, 3])
    expect(new Set(results.map((result) => result[0])).size).toBe(1)
    expect(new Set(results.slice(3).map((result) => result[1])).size).toBe(1)
    expect(new Set(results).size).toBe(5)
  })
})

describe('PartialJson.end()', () => {
  it('returns what JSON.parse returns, wherever the text is split', () => {
    fc.assert(
      fc.property(cutUp(jsonText), (pieces) => {
        const expected: unknown = JSON.parse(pieces.join(''))
        const json = new PartialJson()
        for (const piece of pieces) json.add(piece)
        const result = json.end()
        expect(result).toEqual(expected)
        // The order of keys is the same too.
        expect(JSON.stringify(result)).toBe(JSON.stringify(expected))
        expect(json.result()).toBe(result)
      }),
      { numRuns: 300 },
    )
  })

  it.each(['\\"', '\\\\', '\\n', '\\u00e9'])('decodes the key %s, whatever was parsed before', (key) => {
    const name: unknown = JSON.parse(`"${key}"`)
    for (const json of ['{"a":{},"\\\\":{}}', `{"a":{},"${key}":{}}`]) whole(json)
    expect(Object.keys(whole(`{"a":{},"${key}":{}}`) as object)).toEqual(['a', name])
  })

  it('throws if and only if JSON.parse throws', () => {
    const mark = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'u',
      'e',
      '-',
      '+',
      '.',
      '0',
      '1',
      't',
      'true',
      'null',
      ' ',
      '\n',
      '\u00a0',
      'x',
    )
    const broken = fc
      .tuple(jsonText, fc.nat(), fc.nat(2), fc.oneof(mark, fc.constant('')))
      .map(([text, at, removed, added]) => text.slice(0, at % (text.length + 1)) + added + text.slice((at % (text.length + 1)) + removed))
    const random = fc.string({ unit: mark, maxLength: 8 })
    fc.assert(
      fc.property(cutUp(fc.oneof(broken, random).filter(isReadRight)), (pieces) => {
        let expected: { readonly value: unknown } | undefined
        try {
          expected = { value: JSON.parse(pieces.join('')) }
        } catch {
          expect(() => whole(...pieces)).toThrow(expect.objectContaining({ name: 'ChaintapError', code: 'invalid_json' }))
        }
        if (expected) expect(whole(...pieces)).toEqual(expected.value)
      }),
      { numRuns: 1_000 },
    )
  })

  it('accepts control characters in strings with allowControlCharacters, wherever the text is split', () => {
    fc.assert(
      fc.property(value, fc.array(fc.nat(), { maxLength: 30 }), (written, places) => {
        const escaped = JSON.stringify(written)
        fc.pre(isReadRight(escaped))
        const text = escaped.replaceAll(/\\(\\|n|u0000)/g, (found) => ({ '\\n': '\n', '\\u0000': '\0' })[found] ?? found)
        const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length]
        const json = new PartialJson({ allowControlCharacters: true })
        for (const [i, end] of at.slice(1).entries()) json.add(text.slice(at[i], end))
        expect(json.end()).toEqual(JSON.parse(escaped))
      }),
    )
  })

  it('depth and isInString tell where the text ends', () => {
    const json = new PartialJson()
    const places = ['{"a', '": [', '"x', '"]', '}'].map((piece) => {
      json.add(piece)
      return [json.depth, json.isInString]
    })
    expect(places).toEqual([
      [1, true],
      [2, false],
      [2, true],
      [1, false],
      [0, false],
    ])
  })

  it('creates an own property for the key __proto__', () => {
    const text = '{"__proto__": {"x": 1}, "a": {"__proto__": "y"}, "__proto__": {"x": 2}}'
    const json = new PartialJson()
    for (const char of text) {
      json.add(char)
      const known = json.result()
      if (isObject(known)) expect(Object.getPrototypeOf(known)).toBe(Object.prototype)
    }
    expect(json.end()).toStrictEqual(JSON.parse(text))
    expect(Object.keys(json.end() as object)).toEqual(['__proto__', 'a'])
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('accepts 100,000 levels of nesting', () => {
    const depth = 100_000
    const json = new PartialJson()
    for (let i = 0; i < depth; i += 10) {
      json.add('[{"a":'.repeat(5))
      json.result()
    }
    json.add('1')
    json.add('}]'.repeat(depth / 2))
    let levels = 0
    for (let at = json.end(); isObject(at); at = Array.isArray(at) ? at[0] : at.a) levels++
    expect(levels).toBe(depth)
  })
})

describe('PartialJson with invalid JSON', () => {
  it.each<[text: string, message: RegExp, position: number]>([
    ['{"a": 1, b: 2}', /Unexpected "b": expected a key, at position 9/, 9],
    ["{'a': 1}", /Unexpected "'": expected a key or }, at position 1/, 1],
    ['{"a" 1}', /Unexpected "1": expected :, at position 5/, 5],
    ['{"a": 1,}', /Unexpected "}": expected a key, at position 8/, 8],
    ['[1, 2,]', /Unexpected "]": expected a value, at position 6/, 6],
    ['[1 2]', /Unexpected "2": expected , or the end, at position 3/, 3],
    ['[1}', /Unexpected "}": expected , or the end, at position 2/, 2],
    ['{"a": 1]', /Unexpected "]": expected , or the end, at position 7/, 7],
    ['{} {}', /Unexpected "{": expected the end, at position 3/, 3],
    ['[01]', /"01" is not valid JSON, at position 1/, 1],
    ['[1, True]', /Unexpected "T": expected a value, at position 4/, 4],
    ['[tru]', /"tru" is not valid JSON, at position 1/, 1],
    ['["a\nb"]', /"\\n" must be escaped in a string, at position 3/, 3],
    ['["a\\x"]', /Invalid escape \\x, at position 3/, 3],
    ['["\\u00g0"]', /Invalid escape \\u00g0, at position 2/, 2],
    ['', /Incomplete JSON: expected a value, at position 0/, 0],
    ['{"a": ', /Incomplete JSON: expected a value, at position 6/, 6],
    ['["a', /Incomplete JSON: it ends in a string, at position 3/, 3],
    ['[1', /Incomplete JSON: expected , or the end, at position 2/, 2],
  ])('%j throws invalid_json with the problem and the position', (text, message, position) => {
    const { error, json } = failure(text)
    expect(error).toMatchObject({ code: 'invalid_json', message: expect.stringMatching(message) })
    expect(json.position).toBe(position)
  })

  it('keeps the value known before the error, and throws the same error again', () => {
    const { error, json } = failure('{"a": [1, 2}')
    expect(json.result()).toEqual({ a: [1, 2] })
    expect(() => json.add(']')).toThrow(error)
    expect(() => json.end()).toThrow(error)
    expect(json.result()).toEqual({ a: [1, 2] })
  })
})

/** The number of items and entries that the results do not share with earlier ones: roughly the work of copying. */
function copied(text: string): number {
  const seen = new Set<unknown>()
  let count = 0
  const see = (value: unknown): void => {
    // Not recursive, because one of the values is deep.
    for (const waiting = [value]; waiting.length > 0; ) {
      const next = waiting.pop()
      if (!isObject(next) || seen.has(next)) continue
      seen.add(next)
      const inside = Object.values(next)
      count += 1 + inside.length
      waiting.push(...inside)
    }
  }
  for (const result of resultsOf(text.match(/.{1,8}/gs) ?? [])) see(result)
  return count
}

const words = (count: number) => Array.from({ length: count }, (_, i) => `word ${i} and more`)
/** `behind`: by how many characters a result may lag in a text of 10,000. */
const shapes: readonly [shape: string, json: (size: number) => string, behind: number][] = [
  ['an array of 280 records', (size) => JSON.stringify(words(size / 36).map((name, id) => ({ id, name }))), 280 / 16],
  ['an array of 500 strings', (size) => JSON.stringify(words(size / 20)), 500 / 16],
  ['an array of 2,000 numbers', (size) => JSON.stringify(words(size / 5).map((_, i) => i)), 2_000 / 16],
  ['an object of 250 strings', (size) => JSON.stringify(Object.fromEntries(words(size / 40).map((word) => [word, word]))), 250 * 4],
  ['5,000 arrays in arrays', (size) => '['.repeat(size / 2) + ']'.repeat(size / 2), 5_000 / 16],
  ['one long string', (size) => JSON.stringify({ text: words(size / 18).join(' ') }), 0],
]

describe('PartialJson takes linear time if result() is called every 8 characters', () => {
  it.each(shapes)('%s and larger ones: a bounded number of copies per character', (_, json) => {
    for (const size of [10_000, 20_000, 80_000]) {
      const text = json(size)
      expect(copied(text) / text.length).toBeLessThan(20)
    }
  })

  it.each(shapes)('%s: results lag by no more than documented', (_, json, allowed) => {
    const parser = new PartialJson()
    let behind = 0
    let last: unknown
    for (const piece of json(10_000).match(/.{1,8}/gs) ?? []) {
      parser.add(piece)
      const result = parser.result()
      // Closing brackets alone do not change the value.
      behind = result === last && !/^\]+$/.test(piece) ? behind + piece.length : 0
      last = result
      expect(behind).toBeLessThanOrEqual(allowed + 8)
    }
  })

  it('does not lag while the open containers are small', () => {
    const record = JSON.stringify({ title: 'Bears', tags: words(40), by: { name: 'me', age: 7 } })
    const json = new PartialJson()
    let read = ''
    for (const char of record) {
      json.add(char)
      read += char
      expect(json.result()).toEqual(resultsOf([read])[0])
    }
  })
})
