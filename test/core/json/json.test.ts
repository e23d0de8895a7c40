import {
  AbortReason,
  BudgetExceeded,
  ChaintapError,
  Disconnect,
  lambda,
  ModelError,
  type Run,
  type RunEvent,
  TimeoutError,
  TruncatedError,
  UserStop,
} from 'chaintap'
import { decoder, encoder, Marked, parse, stringify } from 'chaintap/json'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const root: Run = { id: 'r', parentId: undefined, rootId: 'r', name: 'root', kind: 'chain', tags: ['a'], metadata: { user: 7 } }
const child: Run = { ...root, id: 'c', parentId: 'r', name: 'child', kind: 'chat_model' }
const start: RunEvent = { run: root, at: 1, seq: 0, type: 'start', input: { animal: 'bears' } }
const token: RunEvent = { run: child, at: 2, seq: 1, type: 'token', token: 'hi' }
const end: RunEvent = { run: root, at: 3, seq: 2, type: 'end', output: 'hi' }

const roundTrip = (value: unknown): unknown => parse(stringify(value))

/** Returns the error that a decoder throws for a text. */
function decodeError(json: string): ChaintapError {
  try {
    decoder()(json)
  } catch (error) {
    if (error instanceof ChaintapError) return error
    throw error
  }
  throw new Error(`decoder() accepted ${json}`)
}

describe('events', () => {
  it('encoder() writes the whole run in its start event and its id in later events', () => {
    const encode = encoder()
    expect([start, end].map(encode)).toEqual([
      '{"run":{"id":"r","rootId":"r","name":"root","kind":"chain","tags":["a"],"metadata":{"user":7}},"at":1,"seq":0,"type":"start","input":{"animal":"bears"}}',
      '{"run":"r","at":3,"seq":2,"type":"end","output":"hi"}',
    ])
  })

  it('encoder() writes the whole run in its first event if the start is missing', () => {
    const encode = encoder()
    expect([token, token].map((event) => typeof JSON.parse(encode(event)).run)).toEqual(['object', 'string'])
  })

  it('encoder() writes the whole run in every start event, so that a log with two replays can be read from each', () => {
    const encode = encoder()
    expect([start, start].map((event) => typeof JSON.parse(encode(event)).run)).toEqual(['object', 'object'])
  })

  it('decoder() restores equal events, with one Run object for all events of a run', () => {
    const [encode, decode] = [encoder(), decoder()]
    const events = [start, { ...start, run: child }, token, { ...end, run: child }, end].map((event) => decode(encode(event)))
    expect(events).toEqual([start, { ...start, run: child }, token, { ...end, run: child }, end])
    expect(events[4]?.run).toBe(events[0]?.run)
    expect(events[2]?.run).toBe(events[1]?.run)
  })

  it('decoder() restores events of every type', () => {
    const payloads = [
      { type: 'start', input: undefined },
      { type: 'delta', delta: { type: 'tool-call', index: 0, args: '{"$":' } },
      { type: 'chunk', chunk: ['x'] },
      { type: 'end', output: 1n, usage: { inputTokens: 0, source: 'partial' } },
      { type: 'error', error: new UserStop(), partial: 'so far', usage: { outputTokens: 3 } },
      { type: 'text', text: '\u2028\ud800 ~ $' },
      { type: 'action', action: { tool: 'Calculator', toolInput: '1+1', log: 'Action: …' } },
      { type: 'finish', finish: { returnValues: { output: '2' }, log: '' } },
      { type: 'retry', attempt: 2, error: 'thrown text' },
      { type: 'custom', name: 'progress', data: { done: Number.NaN } },
    ] as const
    for (const payload of payloads) {
      const event: RunEvent = { run: root, at: 5, seq: 9, ...payload }
      expect(decoder()(encoder()(event))).toEqual(event)
    }
  })

  it('decoder() restores the events of a chain', async () => {
    const [encode, decode] = [encoder(), decoder()]
    const pairs: [RunEvent, RunEvent][] = []
    const chain = lambda((text: string) => text.length).pipe((length) => {
      if (length > 3) throw new RangeError('too long')
      return length
    })
    const callbacks = [(event: RunEvent) => void pairs.push([event, decode(encode(event))])]
    await chain.invoke('abc', { callbacks })
    await expect(chain.invoke('abcd', { callbacks })).rejects.toThrow('too long')
    expect(pairs).toHaveLength(12)
    for (const [sent, got] of pairs) expect(got).toEqual(sent)
  })

  it('decoder() fills a run without its first event with its id and placeholders', () => {
    const decode = decoder()
    const first = decode('{"run":"c","at":2,"seq":7,"type":"token","token":"hi"}')
    expect(first.run).toEqual({ id: 'c', parentId: undefined, rootId: 'c', name: 'unknown', kind: 'chat_model', tags: [], metadata: {} })
    expect(decode('{"run":"c","at":2,"seq":8,"type":"end","output":"hi"}').run).toBe(first.run)
    expect(decode('{"run":"x","at":2,"seq":9,"type":"text","text":"hi"}').run.kind).toBe('chain')
  })

  it('decoder() forgets a run at its end, and the oldest of more than 10,000 runs without an end', () => {
    const decode = decoder()
    const encode = encoder()
    for (const event of [start, end]) decode(encode(event))
    expect(decode('{"run":"r","at":3,"seq":3,"type":"text","text":""}').run.name).toBe('unknown')
    for (let i = 0; i < 10_001; i++) decode(encode({ ...start, run: { ...root, id: `${i}` } }))
    const nameOf = (id: string) => decode(`{"run":"${id}","at":3,"seq":3,"type":"text","text":""}`).run.name
    expect([nameOf('10000'), nameOf('0')]).toEqual(['root', 'unknown'])
  })
})

describe('values', () => {
  it('parse() restores JSON values exactly, including key order', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(roundTrip(value)).toStrictEqual(value)
        expect(JSON.stringify(roundTrip(value))).toBe(JSON.stringify(value))
      }),
    )
  })

  it('parse() restores data whose keys look like markers', () => {
    const key = fc.constantFrom('$', '$$', '$$$', '$ref', 'text', 'value', '__proto__', 'constructor', 'toJSON')
    const { data } = fc.letrec<{ data: unknown }>((tie) => ({
      data: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('error', 'undefined', '$', null),
        fc.dictionary(key, tie('data'), { noNullPrototype: true }),
      ),
    }))
    fc.assert(
      fc.property(data, (value) => {
        expect(roundTrip(value)).toEqual(value)
        expect(JSON.stringify(roundTrip(value))).toBe(JSON.stringify(value))
      }),
    )
  })

  it('stringify() throws for no value and writes a parsed value as the same text', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    })
    fc.assert(
      fc.property(anything, (value) => {
        const json = stringify(value)
        expect(stringify(parse(json))).toBe(json)
      }),
    )
  })

  it('parse() restores data that JSON lacks', () => {
    const data = {
      nothing: undefined,
      nan: Number.NaN,
      up: Number.POSITIVE_INFINITY,
      down: Number.NEGATIVE_INFINITY,
      minus: -0,
      big: -(12n ** 20n),
      date: new Date(0),
      never: new Date(Number.NaN),
      map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1n])]]),
      lone: '\udc00',
    }
    expect(roundTrip(data)).toStrictEqual(data)
    expect(roundTrip(new Array(2))).toStrictEqual([undefined, undefined])
  })

  it('parse() restores values that are not data as Marked', () => {
    class Client {
      readonly apiKey = 'sk-secret'
    }
    const marks = roundTrip([
      function add() {},
      Symbol('s'),
      new Client(),
      new Uint8Array(12),
      new ArrayBuffer(3),
      10n ** 5000n,
    ]) as unknown[]
    expect(marks.every((mark) => mark instanceof Marked)).toBe(true)
    expect(marks.map(String)).toEqual([
      '[function add]',
      '[symbol s]',
      '[instance Client]',
      '[bytes Uint8Array of 12 bytes]',
      '[bytes ArrayBuffer of 3 bytes]',
      '[size a BigInt of more than 4096 digits]',
    ])
  })

  it('stringify() calls toJSON()', () => {
    expect(roundTrip({ at: new URL('https://example.com/a'), own: { toJSON: () => [1n] } })).toEqual({
      at: 'https://example.com/a',
      own: [1n],
    })
  })

  it('stringify() marks cycles, not shared objects', () => {
    const shared = { x: 1 }
    const value: Record<string, unknown> = { a: shared, b: [shared] }
    value.self = value
    value.list = [{ value }]
    expect(roundTrip(value)).toEqual({
      a: shared,
      b: [shared],
      self: new Marked('cycle', '1 up'),
      list: [{ value: new Marked('cycle', '3 up') }],
    })
  })

  it('stringify() marks values that throw when read and keeps the others', () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const value = {
      good: 1,
      get bad(): never {
        throw new Error('not now')
      },
      json: {
        toJSON: () => {
          throw Object.create(null)
        },
      },
      proxy: revoked.proxy,
    }
    expect(roundTrip(value)).toMatchObject({
      good: 1,
      bad: new Marked('unreadable', 'Error: not now'),
      json: new Marked('unreadable'),
      proxy: { kind: 'unreadable' },
    })
  })

  it('stringify() marks values nested deeper than 200 levels', () => {
    let value: unknown = 'bottom'
    for (let i = 0; i < 100_000; i++) value = i % 2 ? [value] : { value }
    const json = stringify(value)
    expect(json).toContain('{"$":"depth","text":"200 levels"}')
    expect(stringify(parse(json))).toBe(json)
  })

  it('stringify() limits the size of values with repeated references and of sparse arrays', () => {
    let value: unknown = 'x'.repeat(100)
    for (let i = 0; i < 60; i++) value = [value, value]
    const json = stringify(value, { limit: 1_000 })
    expect(json).toContain('{"$":"size","text":"more than 64000 characters"}')
    expect(json.length).toBeLessThan(100_000)
    expect(stringify(new Array(4_000_000_000), { limit: 1_000 }).length).toBeLessThan(200_000)
  })

  it('parse() keeps a key __proto__ as data', () => {
    const value = JSON.parse('{"__proto__":{"isAdmin":true},"$":1}')
    const back = roundTrip(value) as { isAdmin?: boolean }
    expect(Object.keys(back)).toEqual(['__proto__', '$'])
    expect(back.isAdmin).toBeUndefined()
  })

  it('stringify() cuts strings longer than `limit`; parse() appends the number of missing characters', () => {
    const text = `${'a'.repeat(135)}😀${'b'.repeat(100)}`
    const json = stringify({ text }, { limit: 200 })
    expect(json).toBe(`{"text":{"$":"cut","text":"${'a'.repeat(135)}","cut":102}}`)
    const read = parse(json)
    expect(read).toEqual({ text: `${'a'.repeat(135)}… [102 more characters]` })
    expect(parse(stringify(read, { limit: 200 }))).toEqual(read)
    expect(encoder({ limit: 200 })({ ...token, token: text })).toContain('"token":{"$":"cut"')
    expect(decoder()(encoder({ limit: 200 })({ ...token, token: text }))).toMatchObject({
      token: `${'a'.repeat(135)}… [102 more characters]`,
    })
    expect(() => encoder({ limit: 10 })).toThrow('limit must be at least 128 characters, but is 10')
  })
})

describe('errors', () => {
  const facts = { status: 529, providerType: 'overloaded_error', requestId: 'req_1', retryAfterMs: 2_000, isRetryable: false }
  const errors = [
    new ChaintapError('missing_variable', 'no {animal}', { cause: new TypeError('beneath') }),
    new ModelError('http', 'busy', facts),
    new TruncatedError(),
    new AbortReason('over'),
    new UserStop(),
    new Disconnect(),
    new TimeoutError('late', 500),
    new BudgetExceeded(),
    new Error('plain'),
    new TypeError('a'),
    new RangeError('b'),
    new SyntaxError('c'),
    new AggregateError([new Error('one')], 'all'),
    new DOMException('gone', 'AbortError'),
    new DOMException('late', 'TimeoutError'),
  ]

  it.each(errors.map((error) => [error.name, error] as const))('parse() restores a %s as its class, with all properties', (_, error) => {
    const back = roundTrip(error) as Error
    expect(back).toBeInstanceOf(error.constructor)
    expect(Object.prototype.toString.call(back)).toBe(Object.prototype.toString.call(error))
    expect([back.name, back.message]).toEqual([error.name, error.message])
    // In workerd, the stack of a DOMException is an own enumerable property; it is omitted.
    expect(back).toMatchObject(Object.fromEntries(Object.entries(error).filter(([key]) => key !== 'stack')))
    expect(stringify(back)).toBe(stringify(error))
  })

  it('parse() restores the causes of errors', () => {
    const error = new Error('top', { cause: new ChaintapError('wire', 'middle', { cause: { status: 1n } }) })
    const { cause } = roundTrip(error) as Error
    expect(cause).toBeInstanceOf(ChaintapError)
    expect((cause as Error).cause).toEqual({ status: 1n })
  })

  it('parse() restores an error of an unknown class as an Error with its name', () => {
    class OddError extends Error {
      override name = 'OddError'
      readonly detail = { line: 3 }
    }
    const back = roundTrip(new OddError('odd')) as OddError
    expect(back).toBeInstanceOf(Error)
    expect([back.name, back.message, back.detail, `${back}`]).toEqual(['OddError', 'odd', { line: 3 }, 'OddError: odd'])
  })

  it('stringify() omits the stack of errors; parse() does not add its own', () => {
    const error = new RangeError('r')
    // Enumerable, like the stack of a DOMException in workerd.
    Object.defineProperty(error, 'stack', { value: 'RangeError: r\n    at /home/me/place.ts:1:1', enumerable: true })
    expect(stringify(error)).toBe('{"$":"error","name":"RangeError","message":"r"}')
    expect((roundTrip(error) as Error).stack).toBe('RangeError: r')
  })

  it('parse() does not let JSON set the prototype or the stack of an error', () => {
    const error = parse('{"$":"error","name":"__proto__","message":"m","__proto__":{"evil":true},"stack":"s"}') as Error & {
      evil?: boolean
    }
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
    expect([error.name, error.evil, error.stack]).toEqual(['__proto__', undefined, '__proto__: m'])
  })
})

describe('decoder() throws invalid_json with the field and its value', () => {
  const run = '{"id":"r","rootId":"r","name":"n","kind":"chain","tags":[],"metadata":{}}'

  it.each([
    ['Invalid JSON: "<!DOCTYPE html>"', '<!DOCTYPE html>'],
    ['Invalid JSON: ""', ''],
    ['the value is "[]"', '[]'],
    ['the value is "null"', 'null'],
    ['at is "\\"1\\""', '{"run":"r","at":"1","seq":0,"type":"text","text":""}'],
    ['seq is "0.5"', '{"run":"r","at":1,"seq":0.5,"type":"text","text":""}'],
    ['type is "\\"toString\\""', '{"run":"r","at":1,"seq":0,"type":"toString"}'],
    ['token is "1"', '{"run":"r","at":1,"seq":0,"type":"token","token":1}'],
    ['run is "7"', '{"run":7,"at":1,"seq":0,"type":"text","text":""}'],
    ['run.kind is "\\"train\\""', `{"run":${run.replace('chain', 'train')},"at":1,"seq":0,"type":"text","text":""}`],
    ['run.tags is "[1]"', `{"run":${run.replace('[]', '[1]')},"at":1,"seq":0,"type":"text","text":""}`],
    ['Unknown marker in JSON: "$" is "5"', '{"run":"r","at":1,"seq":0,"type":"end","output":{"$":5}}'],
    ['Unknown marker in JSON: "$" is "\\"map\\""', '{"run":"r","at":1,"seq":0,"type":"end","output":{"$":"map","value":[1]}}'],
    [
      'nested more than 1000 levels deep',
      `{"run":"r","at":1,"seq":0,"type":"end","output":${'['.repeat(2_000)}{"$":"undefined"}${']'.repeat(2_000)}}`,
    ],
  ])('%s', (message, json) => {
    const error = decodeError(json)
    expect(error.code).toBe('invalid_json')
    expect(error.message).toContain(message)
  })

  it('decoder() throws a ChaintapError for any other text', () => {
    const decode = decoder()
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (json) => {
        expect(() => decode(json)).toThrow(ChaintapError)
      }),
    )
  })
})
