import { fallback, lambda, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { RemoteRunnable } from 'chaintap/remote'
import { anthropicJson, faultyFetch, recorder } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'

const body = '{"type":"error","error":{"type":"overloaded_error","message":"Try later"}}'
/** Far more than the limit of 1 s, also on a busy machine. */
const PATIENCE_MS = 20_000

const soon = <T>(work: Promise<T>): Promise<T> =>
  Promise.race([work, new Promise<never>((_, reject) => setTimeout(reject, PATIENCE_MS, new Error('It hangs.')))])

/** A body that is always ready and never ends. */
const endless = (chunk: Uint8Array<ArrayBuffer>) => {
  let pulls = 0
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      pulls += 1
      controller.enqueue(chunk)
    },
  })
  return { stream, pulls: () => pulls }
}

// The tests wait for the limit side by side.
describe.concurrent('a refusal whose body stalls', () => {
  test.each([0, 1, body.length])('after %i bytes counts as its status, is retried, and its body is closed (P2)', async (stallAfter) => {
    const fetch = faultyFetch([
      { status: 429, headers: { 'retry-after': '0' }, body, stallAfter, deaf: true },
      { body: JSON.stringify(anthropicJson({ text: ['Hello'] })) },
    ])
    const record = recorder()
    const model = new ChatAnthropic({ apiKey: 'a-key', dangerouslyAllowBrowser: true, fetch, callbacks: [record] })
    expect(await soon(model.invoke('Hi'))).toMatchObject({ content: 'Hello' })
    const message = stallAfter === body.length ? 'Try later' : '429'
    expect(record.events[1]).toMatchObject({
      type: 'retry',
      error: { code: 'http', status: 429, message: expect.stringContaining(message) },
    })
    expect(fetch.open).toBe(0)
  })

  test.each([401, 500])('with status %i fails the call, and a fallback answers', async (status) => {
    const fetch = faultyFetch({ status, body, stallAfter: 5 })
    const model = new ChatAnthropic({ apiKey: 'a-key', dangerouslyAllowBrowser: true, fetch, maxRetries: 0 })
    await expect(soon(model.invoke('Hi'))).rejects.toMatchObject({ code: 'http', status })
    expect(
      await soon(
        fallback(
          model.pipe(new StringOutputParser()),
          lambda(() => 'other'),
        ).invoke('Hi'),
      ),
    ).toBe('other')
    expect(fetch.open).toBe(0)
  })

  test.each([
    [503, 'http'],
    [200, 'wire'],
  ] as const)('with status %i fails a RemoteRunnable, and its body is closed (P2)', async (status, code) => {
    const fetch = faultyFetch({ status, body, stallAfter: 5, deaf: true })
    const remote = new RemoteRunnable('https://app.example', { fetch: (request) => fetch(request) })
    await expect(soon(remote.invoke('Hi'))).rejects.toMatchObject({ name: 'RemoteError', code, status })
    expect(fetch.open).toBe(0)
  })
})

describe.concurrent('of a refusal whose body never ends', () => {
  test.each([0, 1_000, 10_000_000])('in chunks of %i bytes, at most 16 KiB are read', async (size) => {
    const chunk = new Uint8Array(size).fill(0x20)
    const calls = [endless(chunk), endless(chunk)] as const
    const fetch = async () => new Response(calls[0].stream, { status: 400 })
    await expect(soon(new ChatAnthropic({ apiKey: 'a-key', dangerouslyAllowBrowser: true, fetch }).invoke('Hi'))).rejects.toMatchObject({
      code: 'http',
      status: 400,
    })
    const remote = new RemoteRunnable('https://app.example', { fetch: async () => new Response(calls[1].stream, { status: 400 }) })
    await expect(soon(remote.invoke('Hi'))).rejects.toMatchObject({ code: 'http', status: 400 })
    if (size > 0) for (const { pulls } of calls) expect(pulls()).toBeLessThan(20)
  })
})
