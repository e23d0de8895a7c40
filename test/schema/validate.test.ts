import { type AnySchema, type JsonSchema, type StandardSchema, tool } from 'chaintap/tools'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const options = { name: 'weather', description: 'The weather in a city.' }

/** What the function of a tool with that schema is given, or the error. */
function given(schema: AnySchema, args: unknown): Promise<unknown> {
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

describe('a schema of zod', () => {
  const schema = z.object({
    city: z.string().trim(),
    days: z.coerce.number().int().default(1),
    at: z.object({ lat: z.number() }).optional(),
  })

  test('gives what it makes of the arguments', async () => {
    expect(await given(schema, { city: ' Paris ', days: '3' })).toEqual({ city: 'Paris', days: 3 })
    expect(await given(schema, { city: 'Paris', more: true })).toEqual({ city: 'Paris', days: 1 })
  })

  test('says every field that is wrong, and what it should be', async () => {
    const error = await given(schema, { days: 1.5, at: { lat: 'north' } })
    expect(error).toMatchObject(
      wrong(
        /^The arguments of weather do not fit\. Mend them:\n- city: .*expected string.*\n- days: .*int.*\n- at\.lat: .*expected number/,
      ),
    )
    expect(error).toMatchObject({ cause: [{ path: ['city'] }, { path: ['days'] }, { path: ['at', 'lat'] }] })
  })

  test('may be async', async () => {
    const known = z.object({ city: z.string().refine(async (city) => city === 'Paris', 'We know Paris alone') })
    expect(await given(known, { city: 'Paris' })).toEqual({ city: 'Paris' })
    expect(await given(known, { city: 'Rome' })).toMatchObject(wrong('- city: We know Paris alone'))
  })

  test('may be of no object', async () => {
    expect(await given(z.string().min(2), 'Paris')).toBe('Paris')
    expect(await given(z.string().min(2), 'P')).toMatchObject(wrong('- Too small'))
  })
})

describe('any Standard Schema', () => {
  /** As valibot is: path segments are objects, and there is no JSON Schema. */
  const foreign = (validate: (value: unknown) => unknown): StandardSchema => ({
    '~standard': { version: 1, vendor: 'foreign', validate: validate as StandardSchema['~standard']['validate'] },
  })

  test('paths of keys and of segments are read', async () => {
    const key = Symbol('key')
    const schema = foreign(() => ({ issues: [{ message: 'is wrong', path: [{ key: 'a' }, 0, key] }, { message: 'All is wrong' }] }))
    expect(await given(schema, {})).toMatchObject({
      message: expect.stringMatching(/\n- a\.0\.Symbol\(key\): is wrong\n- All is wrong$/),
      cause: [
        { message: 'is wrong', path: ['a', 0, key] },
        { message: 'All is wrong', path: [] },
      ],
    })
  })

  test('what it throws is the failure of the run', async () => {
    const broken = foreign(() => {
      throw new RangeError('broken')
    })
    expect(await given(broken, {})).toBeInstanceOf(RangeError)
  })

  test('of many issues the first ten are said', async () => {
    const issues = Array.from({ length: 30 }, (_, index) => ({ message: 'no', path: [index] }))
    expect(
      await given(
        foreign(() => ({ issues })),
        {},
      ),
    ).toMatchObject(wrong(/- 9: no\n- … and 20 more$/))
  })
})

describe('JSON Schema', () => {
  test('gives the arguments as they are', async () => {
    const args = { city: 'Paris', days: 2, unit: 'celsius', at: { 'lat/lon': [48.9, 2.4] } }
    expect(await given(place, args)).toEqual(args)
  })

  test.each([
    ['a field that is missing', { days: 1 }, /- .*"city"/],
    ['a wrong type', { city: 7 }, /\n- city: .*"number".*"string"/],
    ['a number out of range', { city: 'Paris', days: 0 }, /\n- days: 0 is less than 1/],
    ['no integer', { city: 'Paris', days: 1.5 }, /\n- days: .*"integer"/],
    ['none of the values', { city: 'Paris', unit: 'kelvin' }, /\n- unit: .*\["celsius","fahrenheit"\]/],
    ['a field too many', { city: 'Paris', country: 'France' }, /\n- country: Nothing is allowed here\./],
    ['something deep down', { city: 'Paris', at: { 'lat/lon': ['north'] } }, /\n- at\.lat\/lon\.0: .*"number"/],
    ['no object', 'Paris'.length, /\n- .*"number".*"object"/],
    ['null', null, /\n- .*"null".*"object"/],
    ['nothing', undefined, /\n- .*"null".*"object"/],
    ['what is no JSON', { city: 1n }, /This is not JSON: .*BigInt/],
  ])('%s is said', async (_, args, message) => {
    expect(await given(place, args)).toMatchObject(wrong(message))
  })

  test('only what is wrong is said, and each thing once', async () => {
    const error = (await given(place, { city: 7, days: 0, at: { 'lat/lon': ['x'] } })) as Error
    expect(error.message.split('\n').slice(1)).toHaveLength(3)
  })

  test('what is undefined is not there', async () => {
    expect(await given(place, { city: 'Paris', country: undefined, days: undefined })).toMatchObject({ city: 'Paris' })
    expect(await given(place, { city: undefined })).toMatchObject(wrong(/"city"/))
  })

  test('a frozen schema is used, and none is written into', async () => {
    const schema = freeze({ type: 'object', properties: { a: { $ref: '#/$defs/n' } }, $defs: { n: { type: 'number' } } })
    expect(await given(schema, { a: 1 })).toEqual({ a: 1 })
    expect(await given(schema, { a: 'x' })).toMatchObject(wrong(/\n- a: .*"number"/))
    const open: JsonSchema = { type: 'object', properties: { a: { type: 'number' } } }
    await given(open, { a: 1 })
    expect(Reflect.ownKeys(open.properties?.a as object)).toEqual(['type'])
  })

  test('drafts are told apart by $schema', async () => {
    const exclusive = { $schema: 'http://json-schema.org/draft-04/schema#', type: 'number', minimum: 1, exclusiveMinimum: true }
    expect(await given(exclusive, 1)).toMatchObject(wrong(/1 is less than/))
    // In draft 7 a reference stands alone, whatever is beside it.
    const beside: JsonSchema = { $ref: '#/$defs/n', minimum: 5, $defs: { n: { type: 'number' } } }
    expect(await given({ $schema: 'http://json-schema.org/draft-07/schema#', ...beside }, 1)).toBe(1)
    expect(await given(beside, 1)).toMatchObject(wrong(/1 is less than 5/))
  })

  test.each([
    ['a reference to nowhere', { $ref: '#/$defs/none' }],
    ['a pattern that is none', { type: 'object', properties: { city: { type: 'string', pattern: '(' } } }],
  ])('%s makes it a schema that cannot be used', async (_, schema) => {
    expect(await given(schema, { city: 'Paris' })).toMatchObject({
      code: 'invalid_options',
      message: expect.stringMatching(/^This JSON Schema cannot be used: /),
    })
  })

  test('whatever the keys of wrong fields are, they are found again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (key) => {
        const error = await given({ type: 'object', additionalProperties: { type: 'number' } }, { [key]: 'x' })
        expect(error).toMatchObject({ cause: [{ path: [key] }] })
      }),
    )
  })
})

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part)
  return Object.freeze(value)
}
