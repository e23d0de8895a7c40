import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicJson, faultyFetch, recorder } from 'chaintap/testing'
import { expect, test, vi } from 'vitest'

// Only in Node, where modules can be mocked. A failed import() is the same in all engines.
vi.mock('../../../src/models/http/error-response.ts', () => {
  throw new TypeError('Failed to fetch dynamically imported module')
})

test('if error-response.ts cannot be loaded, the error has the status, is retried, and the body is closed (P2)', async () => {
  const fetch = faultyFetch([
    { status: 503, body: 'x'.repeat(100), stallAfter: 10, deaf: true },
    { body: JSON.stringify(anthropicJson({ text: ['Hello'] })) },
  ])
  const record = recorder()
  const model = new ChatAnthropic({ apiKey: 'a-key', fetch, callbacks: [record] })
  expect(await model.invoke('Hi')).toMatchObject({ content: 'Hello' })
  expect(record.events[1]).toMatchObject({
    type: 'retry',
    error: { name: 'ModelError', code: 'http', status: 503, message: 'Anthropic answered 503.' },
  })
  expect(fetch.open).toBe(0)
})
