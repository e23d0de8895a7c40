// Browsers hide where a redirect leads, so the page must not follow it: with real redirects of a real server.
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI, OpenAI } from 'chaintap/openai'
import { RemoteRunnable } from 'chaintap/remote'
import { expect, test } from 'vitest'

const SECRET = 'SECRET-KEY-0123456789abcdef'
const options = { apiKey: SECRET, dangerouslyAllowBrowser: true, maxRetries: 0 }
let nextId = 0

/** Addresses on the server of test/support/redirect-plugin.ts. */
function addresses(status: number): { readonly url: string; requestsAtTarget(): Promise<number> } {
  const base = `${location.origin}/redirect-of-a-test/${Date.now()}-${nextId++}`
  return { url: `${base}/${status}`, requestsAtTarget: async () => Number(await (await fetch(`${base}/count`)).text()) }
}

const callers: readonly (readonly [string, (url: string) => Promise<unknown>])[] = [
  ['ChatAnthropic, whole answer', (baseURL) => new ChatAnthropic({ ...options, baseURL }).invoke('private question')],
  ['ChatAnthropic, stream', (baseURL) => new ChatAnthropic({ ...options, baseURL }).stream('private question').drain()],
  ['ChatOpenAI', (baseURL) => new ChatOpenAI({ ...options, baseURL, headers: { 'api-key': SECRET } }).stream('private question').drain()],
  ['OpenAI', (baseURL) => new OpenAI({ ...options, baseURL }).invoke('private question')],
  ['RemoteRunnable', (url) => new RemoteRunnable(url, { headers: { 'x-api-key': SECRET } }).stream('private question').drain()],
]

const statuses = [301, 302, 303, 307, 308]

test.each(statuses)('fetch() by itself follows the redirect %i of the test server', async (status) => {
  const { url, requestsAtTarget } = addresses(status)
  await fetch(url, { method: 'POST', body: 'x' })
  expect(await requestsAtTarget()).toBe(1)
})

test.each(callers)('%s refuses every redirect: nothing is sent to its target', async (_, call) => {
  for (const status of statuses) {
    const { url, requestsAtTarget } = addresses(status)
    const error = await call(url).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'http', status: undefined, message: expect.stringContaining('hidden') })
    expect(String((error as Error).stack)).not.toContain(SECRET)
    expect(await requestsAtTarget()).toBe(0)
  }
})
