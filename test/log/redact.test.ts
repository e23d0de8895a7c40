import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SECRET_PATTERNS } from '../../src/core/util/secrets.ts'
import { createSecretRedactor, POSSIBLE_SECRET } from '../../src/log/redact.ts'

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
    'npm_',
    'whsec_',
    'ya29.',
    'AIza',
  ].map((prefix) => bits(32).map((rest) => prefix + rest)),
  // A hyphen in each run of 16 characters.
  ...['glpat-', 'xoxb-', 'hf_', 'github_pat_'].map((prefix) =>
    fc.array(bits(10), { minLength: 2, maxLength: 4 }).map((parts) => prefix + parts.join('-')),
  ),
  fc.tuple(bits(22), bits(43)).map(([id, rest]) => `SG.${id}.${rest}`),
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
  'token',
  'apiToken',
  'CLOUDFLARE_API_TOKEN',
  'X-Subscription-Token',
  'secret_key',
  'secrets',
  'cookies',
  'credentials',
  'Ocp-Apim-Subscription-Key',
  'AccountKey',
  'apiKeys',
)
/** Names that have one word, or a word that text has often: only as field names. */
const fieldNames = fc.constantFrom(
  'pass',
  'pwd',
  'dbPass',
  'jwt',
  'X-Master-Key',
  'x-functions-key',
  'encryptionKey',
  'signing_key',
  'serviceKey',
  'SSH_KEY',
  'ａpi_key',
  'api\u200b_key',
  'api key',
)

/** Removes lookaheads and lookbehinds, which fc.stringMatching() does not support. */
function withoutAssertions(source: string): string {
  const from = source.search(/\(\?<?[=!]/)
  if (from === -1) return source
  let [to, depth] = [from, 0]
  do {
    if (source[to] === '(') depth++
    if (source[to] === ')') depth--
    to++
  } while (depth > 0)
  return source.slice(0, from) + withoutAssertions(source.slice(to))
}

describe('redaction', () => {
  test('keys are found by format in any text, and masked with the same length (P11)', () => {
    fc.assert(
      fc.property(
        keys,
        fc.constantFrom(
          '',
          'key: ',
          '"',
          '\n',
          '/',
          String.raw`\n`,
          String.raw`\\n`,
          String.raw`a\r`,
          String.raw`\u0020`,
          '%20',
          '%3D',
          '%0a',
          'my_',
          '(',
          'é',
        ),
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
          { properties: { [name]: value } },
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

  test('field names are compared as words, and text that names a field has other forms (P11)', () => {
    fc.assert(
      fc.property(fieldNames, bits(9), (name, value) => {
        for (const given of [{ [name]: value }, { a: [{ [name]: [value] }] }, { text: JSON.stringify({ [name]: value }) }])
          expect(JSON.stringify(cleaned(given))).not.toContain(value)
      }),
    )
    fc.assert(
      fc.property(names, bits(9), (name, value) => {
        for (const text of [`${name}%3D${value}`, `${name} => ${value}`, encodeURIComponent(`https://x.example/?${name}=${value}&n=1`)])
          expect(cleaned({ text })).not.toMatchObject({ text: expect.stringContaining(value) })
      }),
    )
    for (const text of [
      '<password>abcdefgh12</password>',
      'Bearer\tabcdefgh12',
      'Bearer\nabcdefgh12',
      String.raw`Bearer\u0020abcdefgh12`,
      '-----BEGIN PRIVATE KEY-----\nabcdefgh12\n-----END PRIVATE KEY-----',
      'x%3Fkey%3Dabcdefgh12',
    ])
      expect(cleaned(text)).not.toContain('abcdefgh12')
  })

  test('POSSIBLE_SECRET matches wherever one of SECRET_PATTERNS does (P11)', () => {
    const piece = fc.oneof(
      keys,
      ...SECRET_PATTERNS.map((pattern) => fc.stringMatching(new RegExp(withoutAssertions(pattern.source)))),
      names,
      bits(9),
      fc.string(),
      fc.constantFrom(
        '?sig=',
        '&key=',
        '%3Fsignature%3d',
        '://',
        ':',
        '@',
        'bearer ',
        'token=',
        'PRIVATE KEY-----',
        '=',
        '%20',
        '-',
        '_',
        '.',
      ),
      fc.constant('p'.repeat(300)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const text = pieces.join('')
        for (const pattern of SECRET_PATTERNS)
          if (new RegExp(pattern).test(text)) expect(POSSIBLE_SECRET.test(text.toLowerCase()), text).toBe(true)
      }),
      { numRuns: 20_000 },
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
      'Unexpected token: string',
      'monkey: business',
      'a compass: north',
    ]
    for (const text of texts) {
      const event = {
        run: 'r',
        type: 'token',
        token: text,
        text,
        n: -0.5e-7,
        usage: { inputTokens: 5, tokens: text, primaryKey: text, key: text },
      }
      expect(cleaned(event)).toEqual(event)
    }
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
    for (const unit of [
      ' ',
      '\\',
      '"',
      '@',
      'a@b.example","',
      'eyJ-',
      'sk-',
      '://:',
      '=',
      ':',
      'bearer ',
      '{',
      '[',
      '%20',
      String.raw`\n`,
      'token=',
      'bearer%20',
      '&key=',
      'A',
      '-----',
      'PRIVATE KEY-----',
      'hf_-',
      'key ',
      '<password>',
    ])
      for (const begin of ['password ', 'password: ', 'bearer ', 'https://']) {
        const text = begin + unit.repeat(n / unit.length)
        cleaned({ text })
        mask(text)
      }
  })
})
