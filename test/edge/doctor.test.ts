import { StringOutputParser } from 'chaintap'
import { doctor, serve, toResponse } from 'chaintap/edge'
import { scriptedModel } from 'chaintap/testing'
import { afterEach, expect, test, vi } from 'vitest'

const codes = (...given: Parameters<typeof doctor>): string[] => doctor(...given).map(({ code }) => code)
const ctx = { waitUntil: () => {} }

afterEach(() => vi.restoreAllMocks())

test('doctor() finds no problem in a complete configuration', () => {
  const toml = 'name = "app"\ncompatibility_date = "2026-09-15"\ncompatibility_flags = ["enable_request_signal"]\n'
  const jsonc = '{ "compatibility_date": "2024-12-16", "compatibility_flags": ["nodejs_als", "enable_request_signal"] }'
  for (const config of [toml, jsonc]) expect(doctor({ config })).toEqual([])
})

test('doctor() names each missing setting and the line to add', () => {
  expect(codes({ config: 'compatibility_date = "2024-09-01"' })).toEqual(['no_request_signal', 'no_backpressure'])
  expect(codes({ config: '' })).toEqual(['no_request_signal', 'no_backpressure'])
  const [signal, date] = doctor({ config: "compatibility_date = '2024-12-15'" })
  expect(signal?.fix).toContain('compatibility_flags = ["enable_request_signal"]')
  expect(date?.fix).toContain('compatibility_date = "2024-12-16"')
})

test('doctor() ignores settings in comments', () => {
  const toml = '# compatibility_date = "2026-09-15"\n  # compatibility_flags = ["enable_request_signal"]\n'
  const jsonc = '{\n  // "compatibility_date": "2026-09-15",\n  // "compatibility_flags": ["enable_request_signal"]\n}'
  for (const config of [toml, jsonc]) expect(codes({ config })).toEqual(['no_request_signal', 'no_backpressure'])
})

test('doctor() marks unneeded settings as notes', () => {
  const config = 'compatibility_date = "2026-09-15"\ncompatibility_flags = ["enable_request_signal", "nodejs_compat"]'
  expect(doctor({ config })).toMatchObject([{ code: 'nodejs_compat', isNote: true }])
})

test('doctor() accepts responses of toResponse and finds those that are buffered', () => {
  const run = scriptedModel(['a']).pipe(new StringOutputParser()).events('x')
  expect(codes({ ctx, response: toResponse(run) })).toEqual([])
  const response = new Response('a', { headers: { 'content-encoding': 'gzip', 'content-length': '1', 'cache-control': 'max-age=60' } })
  expect(codes({ ctx, response })).toEqual(['compressed', 'held_back', 'may_be_cached'])
})

test('serve() calls doctor() once, on localhost only', async () => {
  const warned: unknown[] = []
  vi.spyOn(console, 'warn').mockImplementation((text: unknown) => void warned.push(text))
  const isWorker = 'Cloudflare' in globalThis
  const handler = serve(scriptedModel(['a']))
  const ask = async (host: string): Promise<void> => {
    await (await handler(new Request(`http://${host}/api`), {})).text()
  }
  for (const _ of [1, 2]) await ask('localhost:8787')
  expect(warned).toHaveLength(isWorker ? 1 : 0)
  await (await serve(scriptedModel(['a']))(new Request('https://app.example/api'), {})).text()
  expect(warned).toHaveLength(isWorker ? 1 : 0)
})
