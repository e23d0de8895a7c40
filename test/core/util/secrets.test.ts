import { describe, expect, test } from 'vitest'
import { createRedactor, headerSecrets, redactCause } from '../../../src/core/util/secrets.ts'
import { stripUrlSecrets } from '../../../src/core/util/strip-url.ts'

describe('core/util/secrets', () => {
  test('headerSecrets() returns the values of secret headers, without `Bearer`', () => {
    const headers = { authorization: 'Bearer abcdefgh', 'x-api-key': 'ijklmnop', cookie: 'a=b', accept: '*/*' }
    expect(headerSecrets(headers)).toEqual(['abcdefgh', 'ijklmnop', 'a=b'])
  })

  test('createRedactor() removes the secrets and whatever looks like a key (P11)', () => {
    const redact = createRedactor(['abcdefgh'])
    expect(redact('abcdefgh, abcdefgh')).toBe('[redacted], [redacted]')
    expect(redact('wrong key: sk-ant-api03-x_Y-9. Sent: Bearer tok.en/12345')).toBe('wrong key: [redacted]. Sent: Bearer [redacted]')
    expect(redact('Incorrect API key provided: sk-ab**************yz.')).not.toContain('yz')
  })

  test('createRedactor() replaces what the log redacts, too (P11)', () => {
    const redact = createRedactor([])
    for (const secret of [
      'gsk_0123456789abcdef',
      'xai-0123456789abcdef',
      'AIzaSyA0123456789abcdefghi',
      'AKIAABCDEFGH12345678',
      'ghp_0123456789abcdefghij',
      'xoxb-0123456789-abcdef',
      'eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl',
    ]) {
      expect(redact(`refused: ${secret}.`)).not.toContain(secret)
    }
    expect(redact('{"api_key":"abcd1234","user":"me"}')).toBe('{"api_key":"[redacted]","user":"me"}')
    expect(redact('GET https://me:pass@host/?key=abcd1234&page=2')).toBe('GET https://me:[redacted]@host/?key=[redacted]&page=2')
  })

  test('createRedactor() ignores short secrets, which occur in any text', () => {
    expect(createRedactor(['a', 'test', ''])('a test of the latest')).toBe('a test of the latest')
  })

  test('redactCause() keeps name, message, code and causes, and drops other properties (P11)', () => {
    const cause = Object.assign(new TypeError('bad abcdefgh', { cause: new Error('abcdefgh') }), {
      code: 'E1',
      request: { key: 'abcdefgh' },
    })
    const clean = redactCause(cause, createRedactor(['abcdefgh']))
    expect(clean).toMatchObject({ name: 'TypeError', message: 'bad [redacted]', code: 'E1', cause: { message: '[redacted]' } })
    expect(clean).not.toHaveProperty('request')
    expect((clean as Error).stack).not.toContain('abcdefgh')
    expect(redactCause('abcdefgh', createRedactor(['abcdefgh']))).toBe('[redacted]')
  })

  test('redactCause() stops at a circle of causes', () => {
    const error = new Error('round')
    error.cause = error
    expect(redactCause(error, (text) => text)).toBeInstanceOf(Error)
  })

  test('stripUrlSecrets() removes user, password and query (P11)', () => {
    expect(stripUrlSecrets('https://me:pass@example.com/v1?key=abc#x')).toBe('https://example.com/v1')
    expect(stripUrlSecrets('/api/anthropic')).toBe('/api/anthropic')
  })
})
