import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSecretRedactor } from '../../src/log/redact.ts'

const { clean, mask } = createSecretRedactor([])
const cleaned = (value: unknown): unknown => JSON.parse(clean(JSON.stringify(value)))

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.split('')
const bits = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...letters), minLength: length, maxLength: length }).map((text) => `${text}7`)
/** Keys in the formats of their issuers. */
const keys = fc.oneof(
  ...[
    'sk-',
    'sk-ant-api03-',
    'sk-proj-',
    'pk-lf-',
    'sk_live_',
    'gsk_',
    'xai-',
    'pplx-',
    'hf_',
    'r8_',
    'ghp_',
    'github_pat_',
    'glpat-',
    'xoxb-',
    'AIza',
  ].map((prefix) => bits(32).map((rest) => prefix + rest)),
  bits(16).map((rest) => `AKIA${rest.toUpperCase()}`),
  fc.tuple(bits(20), bits(30), bits(20)).map(([head, body, sign]) => `eyJ${head}.eyJ${body}.${sign}`),
)
const names = fc.constantFrom(
  'Authorization',
  'proxy-authorization',
  'X-API-Key',
  'x-goog-api-key',
  'api-key',
  'apiKey',
  'API_KEY',
  'openaiApiKey',
  'Cookie',
  'set-cookie',
  'password',
  'passwd',
  'PASSPHRASE',
  'client_secret',
  'secretAccessKey',
  'privateKey',
  'access_token',
  'refreshToken',
  'idToken',
  'sessionToken',
)

describe('redaction', () => {
  test('keys are found by format in any text, and masked with the same length (P11)', () => {
    fc.assert(
      fc.property(
        keys,
        fc.constantFrom('', 'key: ', '"', '\n', '/'),
        fc.constantFrom('', '.', '"', '\n', ', and'),
        (key, before, after) => {
          expect(JSON.stringify(cleaned({ text: before + key + after }))).not.toContain(key.slice(-12))
          const masked = mask(before + key + after)
          expect(masked).not.toContain(key.slice(-12))
          expect(masked).toHaveLength((before + key + after).length)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('values are found by field name, in objects, in lists of pairs, and in text (P11)', () => {
    fc.assert(
      fc.property(names, bits(9), (name, value) => {
        for (const given of [
          { [name]: value },
          { a: { [name]: [value, value] }, b: 1 },
          [[name, value]],
          { text: `${name}: ${value}` },
          { text: `${name}=${value}&x=1` },
          { text: JSON.stringify({ [name]: value }) },
          { text: JSON.stringify(JSON.stringify({ [name]: value })) },
        ])
          expect(JSON.stringify(cleaned(given))).not.toContain(value)
      }),
      { numRuns: 300 },
    )
  })

  test('bearer tokens, and keys and passwords in URLs, are found (P11)', () => {
    const texts = ['Bearer abcdefgh12', 'https://api.example/v1?a=1&key=abcdefgh12&b=2', 'postgres://me:abcdefgh12@db.example/x']
    for (const text of texts) expect(cleaned(text)).not.toContain('abcdefgh12')
    expect(cleaned(texts[1])).toBe('https://api.example/v1?a=1&key=[redacted]&b=2')
  })

  test('other text is unchanged', () => {
    const texts = [
      'A bearer certificate of 100 dollars.',
      'task-oriented',
      'the secret of tokens: none',
      'risk-averse-investors',
      'sk-1',
      '-0',
      'x_y',
    ]
    for (const text of texts)
      expect(cleaned({ text, n: -0.5e-7, token: text, maxTokens: 5 })).toEqual({ text, n: -0.5e-7, token: text, maxTokens: 5 })
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(cleaned(value)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('the result is JSON whatever the rules match', () => {
    const own = createSecretRedactor([/["\\:,{}[\]]/, /n|u|t/, /x*/y, 'q'])
    fc.assert(fc.property(fc.jsonValue(), (value) => void JSON.parse(own.clean(JSON.stringify({ q: value, value })))))
  })

  test('a secret may be an object, a list, JSON in a string, or a value beside its name (P11)', () => {
    const own = createSecretRedactor(['ssn'])
    const secrets = {
      password: { value: 'hunter2' },
      cookie: [{ name: 'sid', value: 'hunter2' }, [['hunter2']]],
      headers: [{ name: 'X-Api-Key', value: 'hunter2' }],
      pairs: [['SSN', 'hunter2']],
      args: JSON.stringify({ deep: [{ ssn: 'hunter2', n: 1 }], ssn: ['hunter2'], nested: JSON.stringify({ ssn: 'hunter2' }) }),
      password_: { huge: 12n.toString(), cut: { $: 'cut', text: 'kept' } },
    }
    const text = own.clean(JSON.stringify(secrets))
    expect(text).not.toContain('hunter2')
    expect(JSON.parse(text)).toMatchObject({
      password: '[redacted]',
      cookie: '[redacted]',
      headers: [{ name: 'X-Api-Key', value: '[redacted]' }],
      password_: { huge: '12', cut: { $: 'cut', text: 'kept' } },
    })
    expect(own.clean('{"other_ssn":"kept"}')).toBe('{"other_ssn":"kept"}')
  })

  test('takes time linear in the text, for any text', { timeout: 60_000 }, () => {
    const n = 100_000
    for (const unit of [' ', '\\', '"', '@', 'a@b.example","', 'eyJ-', 'sk-', '://:', '=', ':', 'bearer ', '{', '['])
      for (const begin of ['password ', 'password: ', 'bearer ', 'https://']) {
        const text = begin + unit.repeat(n / unit.length)
        cleaned({ text })
        mask(text)
      }
  })
})
