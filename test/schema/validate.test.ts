import { type AnySchema, type JsonSchema, type StandardSchema, tool } from 'chaintap/tools'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const options = { name: 'weather', description: 'The weather in a city.' }

/** The arguments that a tool with this schema passes to its function, or the error. */
function argumentsOf(schema: AnySchema, args: unknown): Promise<unknown> {
  return tool((taken: unknown) => ({ taken }), { ...options, schema: schema as JsonSchema })
    .invoke(args)
    .then(
      ({ taken }) => taken,
      (error: unknown) => error,
    )
}

const wrong = (text: string | RegExp) => ({ code: 'invalid_arguments', message: expect.stringMatching(text) })

const place: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    city: { type: 'string', minLength: 2 },
    days: { type: 'integer', minimum: 1 },
    unit: { enum: ['celsius', 'fahrenheit'] },
    at: { type: 'object', properties: { 'lat/lon': { type: 'array', items: { type: 'number' } } }, required: ['lat/lon'] },
  },
  required: ['city'],
  additionalProperties: false,
}

describe('a zod schema', () => {
  const schema = z.object({
    city: z.string().trim(),
    days: z.coerce.number().int().default(1),
    at: z.object({ lat: z.number() }).optional(),
  })

  test('passes converted arguments, with defaults, to the function', async () => {
    expect(await argumentsOf(schema, { city: ' Paris ', days: '3' })).toEqual({ city: 'Paris', days: 3 })
    expect(await argumentsOf(schema, { city: 'Paris', more: true })).toEqual({ city: 'Paris', days: 1 })
  })

  test('lists every invalid field and what is expected', async () => {
    const error = await argumentsOf(schema, { days: 1.5, at: { lat: 'north' } })
    expect(error).toMatchObject(
      wrong(/^Invalid arguments for tool weather\. Fix:\n- city: .*expected string.*\n- days: .*int.*\n- at\.lat: .*expected number/),
    )
    expect(error).toMatchObject({ cause: [{ path: ['city'] }, { path: ['days'] }, { path: ['at', 'lat'] }] })
  })

  test('may validate asynchronously', async () => {
    const known = z.object({ city: z.string().refine(async (city) => city === 'Paris', 'We know Paris alone') })
    expect(await argumentsOf(known, { city: 'Paris' })).toEqual({ city: 'Paris' })
    expect(await argumentsOf(known, { city: 'Rome' })).toMatchObject(wrong('- city: We know Paris alone'))
  })

  test('may describe a value that is not an object', async () => {
    expect(await argumentsOf(z.string().min(2), 'Paris')).toBe('Paris')
    expect(await argumentsOf(z.string().min(2), 'P')).toMatchObject(wrong('- Too small'))
  })
})

describe('any Standard Schema', () => {
  /** Like valibot's: path segments are objects, and there is no JSON Schema converter. */
  const foreign = (validate: (value: unknown) => unknown): StandardSchema => ({
    '~standard': { version: 1, vendor: 'foreign', validate: validate as StandardSchema['~standard']['validate'] },
  })

  test('paths may consist of keys and of segment objects', async () => {
    const key = Symbol('key')
    const schema = foreign(() => ({ issues: [{ message: 'is wrong', path: [{ key: 'a' }, 0, key] }, { message: 'All is wrong' }] }))
    expect(await argumentsOf(schema, {})).toMatchObject({
      message: expect.stringMatching(/\n- a\.0\.Symbol\(key\): is wrong\n- All is wrong$/),
      cause: [
        { message: 'is wrong', path: ['a', 0, key] },
        { message: 'All is wrong', path: [] },
      ],
    })
  })

  test('an error of the schema rejects the run', async () => {
    const broken = foreign(() => {
      throw new RangeError('broken')
    })
    expect(await argumentsOf(broken, {})).toBeInstanceOf(RangeError)
  })

  test('the message lists the first ten issues and counts the rest', async () => {
    const issues = Array.from({ length: 30 }, (_, index) => ({ message: 'no', path: [index] }))
    expect(
      await argumentsOf(
        foreign(() => ({ issues })),
        {},
      ),
    ).toMatchObject(wrong(/- 9: no\n- … and 20 more$/))
  })
})

describe('JSON Schema', () => {
  test('passes the arguments unchanged', async () => {
    const args = { city: 'Paris', days: 2, unit: 'celsius', at: { 'lat/lon': [48.9, 2.4] } }
    expect(await argumentsOf(place, args)).toEqual(args)
  })

  test.each([
    ['a missing field', { days: 1 }, /- .*"city"/],
    ['a wrong type', { city: 7 }, /\n- city: .*"number".*"string"/],
    ['a number out of range', { city: 'Paris', days: 0 }, /\n- days: 0 is less than 1/],
    ['a fraction for an integer', { city: 'Paris', days: 1.5 }, /\n- days: .*"integer"/],
    ['a value outside an enum', { city: 'Paris', unit: 'kelvin' }, /\n- unit: .*\["celsius","fahrenheit"\]/],
    ['an unknown field', { city: 'Paris', country: 'France' }, /\n- country: No value is allowed here\./],
    ['a nested value', { city: 'Paris', at: { 'lat/lon': ['north'] } }, /\n- at\.lat\/lon\.0: .*"number"/],
    ['a number for an object', 'Paris'.length, /\n- .*"number".*"object"/],
    ['null', null, /\n- .*"null".*"object"/],
    ['nothing', undefined, /\n- .*"null".*"object"/],
    ['a value that is not JSON', { city: 1n }, /The value is not JSON: .*BigInt/],
  ])('reports %s', async (_, args, message) => {
    expect(await argumentsOf(place, args)).toMatchObject(wrong(message))
  })

  test('reports each problem once and no others', async () => {
    const error = (await argumentsOf(place, { city: 7, days: 0, at: { 'lat/lon': ['x'] } })) as Error
    expect(error.message.split('\n').slice(1)).toHaveLength(3)
  })

  test('treats undefined fields as absent', async () => {
    expect(await argumentsOf(place, { city: 'Paris', country: undefined, days: undefined })).toMatchObject({ city: 'Paris' })
    expect(await argumentsOf(place, { city: undefined })).toMatchObject(wrong(/"city"/))
  })

  test('accepts a frozen schema and never modifies a schema', async () => {
    const schema = freeze({ type: 'object', properties: { a: { $ref: '#/$defs/n' } }, $defs: { n: { type: 'number' } } })
    expect(await argumentsOf(schema, { a: 1 })).toEqual({ a: 1 })
    expect(await argumentsOf(schema, { a: 'x' })).toMatchObject(wrong(/\n- a: .*"number"/))
    const open: JsonSchema = { type: 'object', properties: { a: { type: 'number' } } }
    await argumentsOf(open, { a: 1 })
    expect(Reflect.ownKeys(open.properties?.a as object)).toEqual(['type'])
  })

  test('selects the draft by $schema', async () => {
    const exclusive = { $schema: 'http://json-schema.org/draft-04/schema#', type: 'number', minimum: 1, exclusiveMinimum: true }
    expect(await argumentsOf(exclusive, 1)).toMatchObject(wrong(/1 is less than/))
    // In draft 7 keywords beside $ref are ignored.
    const beside: JsonSchema = { $ref: '#/$defs/n', minimum: 5, $defs: { n: { type: 'number' } } }
    expect(await argumentsOf({ $schema: 'http://json-schema.org/draft-07/schema#', ...beside }, 1)).toBe(1)
    expect(await argumentsOf(beside, 1)).toMatchObject(wrong(/1 is less than 5/))
  })

  test.each([
    ['a reference to nowhere', { $ref: '#/$defs/none' }],
    ['an invalid pattern', { type: 'object', properties: { city: { type: 'string', pattern: '(' } } }],
  ])('%s rejects with invalid_options', async (_, schema) => {
    expect(await argumentsOf(schema, { city: 'Paris' })).toMatchObject({
      code: 'invalid_options',
      message: expect.stringMatching(/^Invalid JSON Schema: /),
    })
  })

  test('returns the path of an invalid field, whatever its key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (key) => {
        const error = await argumentsOf({ type: 'object', additionalProperties: { type: 'number' } }, { [key]: 'x' })
        expect(error).toMatchObject({ cause: [{ path: [key] }] })
      }),
    )
  })
})

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part)
  return Object.freeze(value)
}
