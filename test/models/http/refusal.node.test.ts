import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicJson, faultyFetch, recorder } from 'chaintap/testing'
import { expect, test, vi } from 'vitest'

// Modules are mocked in Node alone: the engines differ in how, and not in what a failed import() is.
vi.mock('../../../src/models/http/error-response.ts', () => {
  throw new TypeError('Failed to fetch dynamically imported module')
})

test('where the reader of refusals cannot be loaded, the status is told, tried again, and its body closed (P2)', async () => {
  const fetch = faultyFetch([
    { status: 503, body: 'x'.repeat(100), stallAfter: 10, deaf: true },
    { body: JSON.stringify(anthropicJson({ text: ['Hello'] })) },
  ])
  const heard = recorder()
  const model = new ChatAnthropic({ apiKey: 'a-key', fetch, callbacks: [heard] })
  expect(await model.invoke('Hi')).toMatchObject({ content: 'Hello' })
  expect(heard.events[1]).toMatchObject({
    type: 'retry',
    error: { name: 'ModelError', code: 'http', status: 503, message: 'Anthropic answered 503.' },
  })
  expect(fetch.open).toBe(0)
})
