import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Disconnect } from 'chaintap'
import { type RemoteOptions, RemoteRunnable, type ResumableRun } from 'chaintap/remote'
import { recorder } from 'chaintap/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { root } from '../../scripts/support.mjs'
import { buildWorker, startWorkerd, type Workerd } from '../support/durable/workerd.mjs'
import { readAll, turn } from '../support/sources.ts'

// RemoteRunnable with a real Durable Object in a workerd of its own, with a real disk.

const folder = mkdtempSync(join(tmpdir(), 'chaintap-remote-'))
let workerd: Workerd

vi.setConfig({ testTimeout: 60_000 })

beforeAll(async () => {
  await buildWorker(join(root, 'test/support/durable/worker.ts'), folder, ['Open'])
  workerd = await startWorkerd(folder)
}, 60_000)

afterAll(async () => {
  await workerd.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** Sends a request to the current workerd: a restarted one has another port. */
const ask = async ({ url, method, headers, body, signal }: Request): Promise<Response> =>
  fetch(workerd.url + new URL(url).pathname, { method, headers, signal, body: body && (await new Response(body).text()) })

/** Creates the remote of a chain that counts, with `delay` ms between two numbers. */
const counting = (delay: number, options: RemoteOptions = {}) =>
  new RemoteRunnable<string, string>('http://worker.example/open', {
    fetch: ask,
    headers: { 'x-delay': `${delay}` },
    reconnectDelay: () => 50,
    ...options,
  })

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `${from + index} `)

test('events arrive live, and resume() continues in the middle after a page reload', async () => {
  let known: ResumableRun | undefined
  const here = recorder()
  const run = counting(5, { onResumable: (remote) => (known = remote) }).stream('40', { callbacks: [here] })
  for await (const chunk of run) if (chunk === '9 ') run.stop(new Disconnect())
  here.check()
  const { id = '', seq = -1 } = known ?? {}
  const whole = recorder()
  const again = counting(5).resume(id, { callbacks: [whole] })
  expect((await readAll(again)).chunks).toEqual(numbers(0, 40))
  whole.check()
  expect(await again.outcome).toMatchObject({ status: 'complete', output: numbers(0, 40).join('') })
  expect((await readAll(counting(5).resume(id, { after: seq }))).chunks.at(-1)).toBe('39 ')
})

test('a request that a proxy sends twice starts one run', async () => {
  const seen = async (): Promise<number> => ((await (await fetch(`${workerd.url}/seen`)).json()) as { calls: number }).calls
  const before = await seen()
  const twice = async (request: Request): Promise<Response> => {
    const copy = request.clone() as Request
    const lost = await ask(copy)
    await lost.body?.cancel()
    return ask(request)
  }
  expect((await readAll(counting(5, { fetch: twice }).stream('30'))).chunks).toEqual(numbers(0, 30))
  expect(await seen()).toBe(before + 1)
})

test('stop() ends the run on the server', async () => {
  let id = ''
  const run = counting(20, { onResumable: (remote) => (id = remote.id) }).stream('500')
  for await (const _ of run) break
  await run.flushed
  const status = (await (await fetch(`${workerd.url}/open/${id}/status`)).json()) as { status: string }
  expect(status.status).toBe('aborted')
})

test('RemoteRunnable reconnects to a restarted server and receives the `interrupted` end of the run', async () => {
  let id = ''
  const recording = recorder()
  const run = counting(20, { onResumable: (remote) => (id = remote.id) }).stream('500', { callbacks: [recording] })
  const reading = readAll(run)
  while (!id) await turn(10)
  await turn(500)
  await workerd.kill()
  workerd = await startWorkerd(folder)
  const { chunks, error } = await reading
  expect(chunks).toEqual(numbers(0, chunks.length))
  expect(error).toMatchObject({ code: 'interrupted' })
  recording.check()
  expect(recording.open).toEqual([])
  expect(recording.events.some(({ type }) => type === 'retry')).toBe(true)
})
