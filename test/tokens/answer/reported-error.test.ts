import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reportedError } from '../../../src/tokens/answer/reported-error.ts'

const choice = { index: 0, delta: { content: 'Hi' }, finish_reason: null }

describe('reportedError()', () => {
  test.each<readonly [string, unknown, string | undefined]>([
    ['OpenAI', { error: { message: 'No', type: 'invalid_request_error', param: null, code: null } }, 'invalid_request_error'],
    ['a text', { error: 'No' }, undefined],
    ['Anthropic', { type: 'error', error: { type: 'overloaded_error', message: 'No' } }, 'overloaded_error'],
    ['an error in an error', { error: { error: { message: 'No', code: 'busy' } } }, 'busy'],
    ['a code that is a number', { error: { code: 502, message: 'No' } }, '502'],
    ['vLLM', { object: 'error', message: 'No', type: 'BadRequestError', code: 400 }, 'BadRequestError'],
    ['Groq', { choices: [choice], x_groq: { error: 'No' } }, undefined],
    ['OpenRouter, in a choice', { choices: [{ ...choice, finish_reason: 'error', error: { code: 502, message: 'No' } }] }, '502'],
    ['MiniMax', { id: 'x', choices: null, base_resp: { status_code: 1008, status_msg: 'No' } }, '1008'],
    ['MiniMax, in a stream', { choices: [], base_resp: { status_code: 1002, status_msg: 'No' } }, '1002'],
    ['FastAPI', { detail: 'No' }, undefined],
    ['FastAPI, of a request that is not valid', { detail: [{ loc: ['body'], msg: 'No', type: 'missing' }] }, undefined],
    ['an object in detail', { detail: { error: { message: 'No', type: 't' } } }, undefined],
    ['Baidu', { error_code: 336_003, error_msg: 'No' }, '336003'],
    ['code and msg', { code: 500, msg: 'No', success: false }, '500'],
    ['DashScope', { code: 'InvalidApiKey', message: 'No', request_id: '1' }, 'InvalidApiKey'],
    ['AWS', { Message: 'No' }, undefined],
    ['Gemini’s list', [{ error: { code: 503, message: 'No', status: 'UNAVAILABLE' } }], '503'],
    ['Cloudflare', { success: false, errors: [{ code: 10_000, message: 'No' }], messages: [], result: null }, '10000'],
    ['problem details', { type: 'about:blank', title: 'No', status: 403 }, 'about:blank'],
  ])('reads the words and the type of %s', (_, body, type) => {
    expect(reportedError(body)).toEqual({ type, message: 'No' })
  })

  test('adds the provider’s own words, which OpenRouter puts into metadata', () => {
    const error = { message: 'Provider returned error', code: 429, metadata: { raw: 'rate-limited upstream', provider_name: 'X' } }
    expect(reportedError({ error })?.message).toBe('Provider returned error: rate-limited upstream')
  })

  test.each(['[', '{"error":', '{"message":', '{"other":'])('an error of %s, nested deeper than the stack, is an error', (open) => {
    const close = open === '[' ? ']' : '}'
    for (const depth of [10, 1_000, 100_000]) {
      expect(reportedError(JSON.parse(`{"error":${open.repeat(depth)}1${close.repeat(depth)}}`))).toBeDefined()
    }
  })

  test('keeps an error of an unknown form as JSON', () => {
    expect(reportedError({ error: { reason: 'No' } })).toEqual({ type: undefined, message: '{"reason":"No"}' })
  })

  test.each(['error', 'ERROR', 'network_error', 'insufficient_system_resource', 'abort'])(
    'finish_reason %s is an error',
    (finish_reason) => {
      expect(reportedError({ choices: [{ ...choice, finish_reason }] })).toEqual({ type: finish_reason, message: undefined })
    },
  )

  test('finish_reason may be an object with words', () => {
    const finish_reason = { type: 'abort', message: 'No' }
    expect(reportedError({ choices: [{ ...choice, finish_reason }] })).toEqual({ type: 'abort', message: 'No' })
  })

  test.each([
    { choices: [choice] },
    { choices: [choice], message: 'all well', detail: 'x', error: null, base_resp: { status_code: 0, status_msg: 'success' } },
    { choices: [{ ...choice, finish_reason: 'content_filter' }] },
    { choices: [] },
    { code: 0, message: 'ok' },
    { code: 200, msg: 'success', success: true },
    { message: { role: 'assistant', content: 'Hi' }, done: false },
    { msg: 'queued' },
    { success: true, errors: [], messages: [], result: {} },
    {},
    [],
    null,
    'error',
    5,
  ])('%j reports no error', (body) => {
    expect(reportedError(body)).toBeUndefined()
  })

  test('reads any JSON without an error; type and message are texts', () => {
    const key = fc.constantFrom(
      'error',
      'errors',
      'message',
      'detail',
      'code',
      'type',
      'base_resp',
      'choices',
      'metadata',
      'status_code',
      'msg',
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 0 }),
        fc.dictionary(key, tie('value')),
        fc.array(tie('value'), { maxLength: 2 }),
      ),
    }))
    fc.assert(
      fc.property(value, (body) => {
        for (const text of Object.values(reportedError(body) ?? {})) expect(['string', 'undefined']).toContain(typeof text)
      }),
      { numRuns: 2_000 },
    )
  })
})
