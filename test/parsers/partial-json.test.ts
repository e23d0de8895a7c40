import { ChaintapError, PartialJson } from 'chaintap'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isReadRight } from '../support/json.ts'

/** What is known after each piece. */
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
  throw new Error(`${text} was taken for JSON`)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** Whether more text can make `whole` of `part`: all of it is there already but the end of one string, array or object. */
function isBeginning(part: unknown, whole: unknown): boolean {
  if (typeof part === 'string') return typeof whole === 'string' && whole.startsWith(part)
  if (!isObject(part) || !isObject(whole) || Array.isArray(part) !== Array.isArray(whole)) return part === whole
  const open = Object.keys(part).filter((key) => !Object.hasOwn(whole, key) || !same(part[key], whole[key]))
  return open.every((key) => Object.hasOwn(whole, key) && isBeginning(part[key], whole[key])) && open.length <= 1
}

/** Containers that are equal in both and yet two. */
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

/** JSON text, with white space or without, all of it escaped or only what must be. */
const jsonText = fc
  .tuple(value, fc.constantFrom('', ' ', '\t\n'), fc.boolean())
  .map(([value, space, isEscaped]) => {
    const json = `${space}${JSON.stringify(value, undefined, space)}${space}`
    const unicode = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
    return isEscaped ? json.replaceAll(/[^\0-~]/g, unicode) : json
  })
  .filter(isReadRight)

/** A text cut at any of its positions. */
const cutUp = (arbitrary: fc.Arbitrary<string>) =>
  fc.tuple(arbitrary, fc.array(fc.nat(), { maxLength: 30 })).map(([text, places]) => {
    const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length]
    return at.slice(1).map((end, i) => text.slice(at[i], end))
  })

describe('what is known of JSON', () => {
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
    // Numbers and names when they are whole
    ['[1', []],
    ['[1,', [1]],
    ['[-1.5e3 ', [-1500]],
    ['[tru', []],
    ['[true', []],
    ['[true, nul', [true]],
    ['{"a": 12', {}],
    ['{"a": 12}', { a: 12 }],
    ['12', undefined],
    // Neither half an escape nor half a character
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
    // A key that comes twice has the later value
    ['{"a": [1], "a"', { a: [1] }],
    ['{"a": [1], "a": "', { a: '' }],
    ['{"a": [1], "a": 2}', { a: 2 }],
  ])('%j is %j so far', (text, known) => {
    expect(resultsOf([text])).toEqual([known])
    expect(resultsOf(text.split('')).at(-1)).toEqual(known)
  })

  it('is a beginning of what it will be, wherever the text is cut', () => {
    fc.assert(
      fc.property(cutUp(jsonText), (pieces) => {
        const final: unknown = JSON.parse(pieces.join(''))
        for (const known of resultsOf(pieces)) if (known !== undefined) expect(isBeginning(known, final)).toBe(true)
      }),
    )
  })

  it('is not changed by what comes later, and keeps what has not changed as the same object', () => {
    fc.assert(
      fc.property(cutUp(jsonText), (pieces) => {
        const json = new PartialJson()
        let last: unknown
        const known = pieces.map((piece) => {
          json.add(piece)
          const result = json.result()
          expect(twins(last, result)).toEqual([])
          last = result
          return { result, said: JSON.stringify(result) }
        })
        json.end()
        for (const { result, said } of known) expect(JSON.stringify(result)).toBe(said)
      }),
    )
  })

  it('is the same object as before where nothing more is known', () => {
    const [a, b, c, d] = resultsOf(['{"a": {"b": [1, 2, ', '3', '', '], "b'])
    expect([b, c]).toEqual([a, a])
    expect(b === a && c === a).toBe(true)
    expect(d).toEqual({ a: { b: [1, 2, 3] } })
  })

  it('shares what is whole with all that comes later', () => {
    const results = resultsOf(['[{"a": 1}', ',{"b":', ' "x', 'y"}', ', 1', ']']) as { length: number; 0: unknown; 1: unknown }[]
    expect(results.map(({ length }) => length)).toEqual([1, 2, 2, 2, 2, 3])
    expect(new Set(results.map((result) => result[0])).size).toBe(1)
    expect(new Set(results.slice(3).map((result) => result[1])).size).toBe(1)
    expect(new Set(results).size).toBe(5)
  })
})

describe('the whole', () => {
  it('is what JSON.parse gives, wherever the text is cut', () => {
    fc.assert(
      fc.property(cutUp(jsonText), (pieces) => {
        const expected: unknown = JSON.parse(pieces.join(''))
        const json = new PartialJson()
        for (const piece of pieces) json.add(piece)
        const result = json.end()
        expect(result).toEqual(expected)
        // In the same order, too.
        expect(JSON.stringify(result)).toBe(JSON.stringify(expected))
        expect(json.result()).toBe(result)
      }),
      { numRuns: 300 },
    )
  })

  it.each(['\\"', '\\\\', '\\n', '\\u00e9'])('has %s as a key, whatever was read before', (key) => {
    const name: unknown = JSON.parse(`"${key}"`)
    for (const json of ['{"a":{},"\\\\":{}}', `{"a":{},"${key}":{}}`]) whole(json)
    expect(Object.keys(whole(`{"a":{},"${key}":{}}`) as object)).toEqual(['a', name])
  })

  it('is rejected where JSON.parse rejects it, and nowhere else', () => {
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
      .map(([text, at, gone, more]) => text.slice(0, at % (text.length + 1)) + more + text.slice((at % (text.length + 1)) + gone))
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

  it('has __proto__ as an entry, which is no prototype', () => {
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

  it('may be nested as deep as the text is long', () => {
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

describe('bad JSON', () => {
  it.each<[text: string, told: RegExp, position: number]>([
    ['{"a": 1, b: 2}', /"b" came where a key is expected, at position 9/, 9],
    ["{'a': 1}", /"'" came where a key or } is expected, at position 1/, 1],
    ['{"a" 1}', /"1" came where : is expected, at position 5/, 5],
    ['{"a": 1,}', /"}" came where a key is expected, at position 8/, 8],
    ['[1, 2,]', /"]" came where a value is expected, at position 6/, 6],
    ['[1 2]', /"2" came where , or the end is expected, at position 3/, 3],
    ['[1}', /"}" came where , or the end is expected, at position 2/, 2],
    ['{"a": 1]', /"]" came where , or the end is expected, at position 7/, 7],
    ['{} {}', /"{" came where nothing more is expected, at position 3/, 3],
    ['[01]', /"01" is not JSON, at position 1/, 1],
    ['[1, True]', /"T" came where a value is expected, at position 4/, 4],
    ['[tru]', /"tru" is not JSON, at position 1/, 1],
    ['["a\nb"]', /"\\n" must be escaped in a string, at position 3/, 3],
    ['["a\\x"]', /\\x is no escape, at position 3/, 3],
    ['["\\u00g0"]', /\\u00g0 is no escape, at position 2/, 2],
    ['', /ends where a value is expected, at position 0/, 0],
    ['{"a": ', /ends where a value is expected, at position 6/, 6],
    ['["a', /ends in a string, at position 3/, 3],
    ['[1', /ends where , or the end is expected, at position 2/, 2],
  ])('%j says what is wrong and where', (text, told, position) => {
    const { error, json } = failure(text)
    expect(error).toMatchObject({ code: 'invalid_json', message: expect.stringMatching(told) })
    expect(json.position).toBe(position)
  })

  it('keeps what was known, and its failure', () => {
    const { error, json } = failure('{"a": [1, 2}')
    expect(json.result()).toEqual({ a: [1, 2] })
    expect(() => json.add(']')).toThrow(error)
    expect(() => json.end()).toThrow(error)
    expect(json.result()).toEqual({ a: [1, 2] })
  })
})

/** How many items and entries the results have that are not shared with those before: what was copied for them, and little else. */
function copied(text: string): number {
  const seen = new Set<unknown>()
  let count = 0
  const see = (value: unknown): void => {
    // Not by recursion: one of them is deep.
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
/** With how many characters a result may be behind at 10,000. */
const shapes: readonly [shape: string, json: (size: number) => string, behind: number][] = [
  ['an array of 280 records', (size) => JSON.stringify(words(size / 36).map((name, id) => ({ id, name }))), 280 / 16],
  ['an array of 500 strings', (size) => JSON.stringify(words(size / 20)), 500 / 16],
  ['an array of 2,000 numbers', (size) => JSON.stringify(words(size / 5).map((_, i) => i)), 2_000 / 16],
  ['an object of 250 strings', (size) => JSON.stringify(Object.fromEntries(words(size / 40).map((word) => [word, word]))), 250 * 4],
  ['5,000 arrays in arrays', (size) => '['.repeat(size / 2) + ']'.repeat(size / 2), 5_000 / 16],
  ['one long string', (size) => JSON.stringify({ text: words(size / 18).join(' ') }), 0],
]

describe('linear time: asked after each 8 characters', () => {
  it.each(shapes)('%s, and many times more, are copied a bounded number of times per character', (_, json) => {
    for (const size of [10_000, 20_000, 80_000]) {
      const text = json(size)
      expect(copied(text) / text.length).toBeLessThan(20)
    }
  })

  it.each(shapes)('%s are never behind by more than is promised', (_, json, allowed) => {
    const parser = new PartialJson()
    let behind = 0
    let last: unknown
    for (const piece of json(10_000).match(/.{1,8}/gs) ?? []) {
      parser.add(piece)
      const result = parser.result()
      // An end alone says nothing more of the value.
      behind = result === last && !/^\]+$/.test(piece) ? behind + piece.length : 0
      last = result
      expect(behind).toBeLessThanOrEqual(allowed + 8)
    }
  })

  it('is up to date after every character where little is open', () => {
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
