import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { patience } from '../../support/patience.ts'
import { type RunningWorker, startWorker } from '../../support/workerd.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

let worker: RunningWorker
beforeAll(async () => {
  worker = await startWorker({ source: 'test/support/workers/workers-ai.ts', cloud: 'test/support/workers/cloud.ts' })
})
afterAll(() => worker.stop())

const get = async (path: string): Promise<unknown> => (await fetch(`${worker.url}${path}`)).json()
const cloud = () => get('/cloud') as Promise<{ readonly calls: readonly object[]; readonly left: readonly string[] }>
const hello = { type: 'text', text: 'Hello' }

describe('WorkersAI over workerd’s own AI binding', () => {
  test('reads a stream, a whole response, and a whole response to a request for a stream', async () => {
    const usage = { inputTokens: 3, outputTokens: 2, totalTokens: 5 }
    expect(await get('/?ask=native')).toEqual({
      chunks: [
        { type: 'text', text: 'Hel' },
        { type: 'text', text: 'lo' },
        { type: 'usage', usage },
      ],
    })
    expect(await get('/whole?ask=native')).toEqual({ role: 'assistant', content: 'Hello', usage })
    expect(await get('/?ask=json')).toEqual({ chunks: [hello] })
  })

  test('calls the binding with its options, with a gateway too', async () => {
    await get('/?ask=native&gateway=mine')
    expect((await cloud()).calls.at(-1)).toEqual({
      question: 'native',
      path: '/ai-gateway/run?version=3',
      model: '@cf/a/b',
      options: { gateway: { id: 'mine' }, returnRawResponse: true },
    })
  })

  test('retries code 3040; other errors have their status, code and request id', async () => {
    expect(await get('/?ask=3040')).toEqual({ chunks: [hello] })
    const refused = { name: 'ModelError', code: 'http', requestId: 'req-1' }
    expect(await get('/?ask=3036')).toMatchObject({ error: { ...refused, status: 429, providerType: '3036' } })
    expect(await get('/?ask=5007')).toMatchObject({ error: { ...refused, status: 400, providerType: '5007' } })
  })

  test('a response that is cut off is truncated', async () => {
    expect(await get('/?ask=truncated')).toMatchObject({ chunks: [{ text: 'Hel' }], error: { code: 'truncated' } })
  })

  test('a break, and an abort before the response, cancel the call at Cloudflare (P2)', async () => {
    expect(await get('/leave?ask=stalls')).toEqual({ type: 'text', text: 'Hel' })
    expect(await get('/abort?ask=never')).toMatchObject({ chunks: [], error: { message: 'mine' } })
    await vi.waitFor(async () => expect((await cloud()).left).toEqual(['stalls', 'never']), patience)
  })
})
