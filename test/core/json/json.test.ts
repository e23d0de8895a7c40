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

const there = (value: unknown): unknown => parse(stringify(value))

/** What a decoder throws at a text. */
function fault(json: string): ChaintapError {
  try {
    decoder()(json)
  } catch (error) {
    if (error instanceof ChaintapError) return error
    throw error
  }
  throw new Error(`${json} was taken for an event`)
}

describe('events', () => {
  it('tell of a run whole in its start and by its id from then on', () => {
    const encode = encoder()
    expect([start, end].map(encode)).toEqual([
      '{"run":{"id":"r","rootId":"r","name":"root","kind":"chain","tags":["a"],"metadata":{"user":7}},"at":1,"seq":0,"type":"start","input":{"animal":"bears"}}',
      '{"run":"r","at":3,"seq":2,"type":"end","output":"hi"}',
    ])
  })

  it('tell of a run whole where the stream first has it, such as one whose start was filtered out', () => {
    const encode = encoder()
    expect([token, token].map((event) => typeof JSON.parse(encode(event)).run)).toEqual(['object', 'string'])
  })

  it('tell of a run whole in every start, so that a log that is replayed twice can be read from each', () => {
    const encode = encoder()
    expect([start, start].map((event) => typeof JSON.parse(encode(event)).run)).toEqual(['object', 'object'])
  })

  it('come back equal, with the same Run object for all events of a run', () => {
    const [encode, decode] = [encoder(), decoder()]
    const events = [start, { ...start, run: child }, token, { ...end, run: child }, end].map((event) => decode(encode(event)))
    expect(events).toEqual([start, { ...start, run: child }, token, { ...end, run: child }, end])
    expect(events[4]?.run).toBe(events[0]?.run)
    expect(events[2]?.run).toBe(events[1]?.run)
  })

  it('of every type come back equal', () => {
    const happenings = [
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
    for (const happening of happenings) {
      const event: RunEvent = { run: root, at: 5, seq: 9, ...happening }
      expect(decoder()(encoder()(event))).toEqual(event)
    }
  })

  it('of a real chain come back as they were', async () => {
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

  it('from the middle of a stream have a run with the true id and a stand-in for the rest', () => {
    const decode = decoder()
    const first = decode('{"run":"c","at":2,"seq":7,"type":"token","token":"hi"}')
    expect(first.run).toEqual({ id: 'c', parentId: undefined, rootId: 'c', name: 'unknown', kind: 'chat_model', tags: [], metadata: {} })
    expect(decode('{"run":"c","at":2,"seq":8,"type":"end","output":"hi"}').run).toBe(first.run)
    expect(decode('{"run":"x","at":2,"seq":9,"type":"text","text":"hi"}').run.kind).toBe('chain')
  })

  it('let a run go when it has ended, and the oldest where ends are missing', () => {
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
  it('of JSON come back exactly, key order included', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(there(value)).toStrictEqual(value)
        expect(JSON.stringify(there(value))).toBe(JSON.stringify(value))
      }),
    )
  })

  it('of JSON whose own keys are marks come back exactly', () => {
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
        expect(there(value)).toEqual(value)
        expect(JSON.stringify(there(value))).toBe(JSON.stringify(value))
      }),
    )
  })

  it('of any sort are written without throwing, and read values are written the same again', () => {
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

  it('that are data come back as they were, though JSON lacks them', () => {
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
    expect(there(data)).toStrictEqual(data)
    expect(there(new Array(2))).toStrictEqual([undefined, undefined])
  })

  it('that are no data come back as marks that say what they were', () => {
    class Client {
      readonly apiKey = 'sk-secret'
    }
    const marks = there([function add() {}, Symbol('s'), new Client(), new Uint8Array(12), new ArrayBuffer(3), 10n ** 5000n]) as unknown[]
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

  it('of a class are what their toJSON says', () => {
    expect(there({ at: new URL('https://example.com/a'), own: { toJSON: () => [1n] } })).toEqual({ at: 'https://example.com/a', own: [1n] })
  })

  it('that contain themselves are marked where they begin again; what is only shared is not', () => {
    const shared = { x: 1 }
    const value: Record<string, unknown> = { a: shared, b: [shared] }
    value.self = value
    value.list = [{ value }]
    expect(there(value)).toEqual({
      a: shared,
      b: [shared],
      self: new Marked('cycle', '1 up'),
      list: [{ value: new Marked('cycle', '3 up') }],
    })
  })

  it('that throw when read are marked, and the others are kept', () => {
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
    expect(there(value)).toMatchObject({
      good: 1,
      bad: new Marked('unreadable', 'Error: not now'),
      json: new Marked('unreadable'),
      proxy: { kind: 'unreadable' },
    })
  })

  it('nested deeper than 200 levels are marked there', () => {
    let value: unknown = 'bottom'
    for (let i = 0; i < 100_000; i++) value = i % 2 ? [value] : { value }
    const json = stringify(value)
    expect(json).toContain('{"$":"depth","text":"200 levels"}')
    expect(stringify(parse(json))).toBe(json)
  })

  it('that refer to one object again and again end where the size does', () => {
    let value: unknown = 'x'.repeat(100)
    for (let i = 0; i < 60; i++) value = [value, value]
    const json = stringify(value, { limit: 1_000 })
    expect(json).toContain('{"$":"size","text":"more than 64000 characters"}')
    expect(json.length).toBeLessThan(100_000)
    expect(stringify(new Array(4_000_000_000), { limit: 1_000 }).length).toBeLessThan(200_000)
  })

  it('with a __proto__ of their own keep it as data', () => {
    const value = JSON.parse('{"__proto__":{"isAdmin":true},"$":1}')
    const back = there(value) as { isAdmin?: boolean }
    expect(Object.keys(back)).toEqual(['__proto__', '$'])
    expect(back.isAdmin).toBeUndefined()
  })

  it('that are longer texts than the limit are cut, marked in JSON, and read as texts that say how much is missing', () => {
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
  const facts = { status: 529, providerType: 'overloaded_error', requestId: 'req_1', retryAfterMs: 2_000 }
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

  it.each(errors.map((error) => [error.name, error] as const))('of class %s come back as such, with all they say', (_, error) => {
    const back = there(error) as Error
    expect(back).toBeInstanceOf(error.constructor)
    expect(Object.prototype.toString.call(back)).toBe(Object.prototype.toString.call(error))
    expect([back.name, back.message]).toEqual([error.name, error.message])
    // Where an error has its stack as a field of its own, as workerd's DOMException, that stays behind.
    expect(back).toMatchObject(Object.fromEntries(Object.entries(error).filter(([key]) => key !== 'stack')))
    expect(stringify(back)).toBe(stringify(error))
  })

  it('keep their causes', () => {
    const error = new Error('top', { cause: new ChaintapError('wire', 'middle', { cause: { status: 1n } }) })
    const { cause } = there(error) as Error
    expect(cause).toBeInstanceOf(ChaintapError)
    expect((cause as Error).cause).toEqual({ status: 1n })
  })

  it('of another name come back as an Error with that name', () => {
    class OddError extends Error {
      override name = 'OddError'
      readonly detail = { line: 3 }
    }
    const back = there(new OddError('odd')) as OddError
    expect(back).toBeInstanceOf(Error)
    expect([back.name, back.message, back.detail, `${back}`]).toEqual(['OddError', 'odd', { line: 3 }, 'OddError: odd'])
  })

  it('do not tell where files lie, and come back without a stack that is not theirs', () => {
    const error = new RangeError('r')
    // Enumerable, as workerd has it on a DOMException.
    Object.defineProperty(error, 'stack', { value: 'RangeError: r\n    at /home/me/place.ts:1:1', enumerable: true })
    expect(stringify(error)).toBe('{"$":"error","name":"RangeError","message":"r"}')
    expect((there(error) as Error).stack).toBe('RangeError: r')
  })

  it('cannot be given a prototype or a stack by what was sent', () => {
    const error = parse('{"$":"error","name":"__proto__","message":"m","__proto__":{"evil":true},"stack":"s"}') as Error & {
      evil?: boolean
    }
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
    expect([error.name, error.evil, error.stack]).toEqual(['__proto__', undefined, '__proto__: m'])
  })
})

describe('what is no event is refused with what is wrong and where', () => {
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
    const error = fault(json)
    expect(error.code).toBe('invalid_json')
    expect(error.message).toContain(message)
  })

  it('whatever is sent', () => {
    const decode = decoder()
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (json) => {
        expect(() => decode(json)).toThrow(ChaintapError)
      }),
    )
  })
})
