import { fallback, lambda, parallel, type RunEvent, type Runnable, retry, sequence } from 'chaintap'
import { describe, expect, test } from 'vitest'

const failing = lambda(
  async function* (): AsyncGenerator<string> {
    yield* await Promise.reject<string[]>(new Error('no'))
  },
  { name: 'failing' },
)
const pass = lambda((text: string) => text, { name: 'pass' })
const broken = (): Runnable<string, string> => sequence(failing, pass)
const nested = lambda(() => lambda(() => lambda(() => failing)), { name: 'nested' })
/** Fails after `ms`, by its own timeout. */
const timed = (ms: number): Runnable<string, string> =>
  sequence(
    lambda(() => new Promise<string>(() => {}), { name: 'stuck' }),
    pass,
  ).withConfig({ timeout: ms })

const chains: Readonly<Record<string, Runnable<string, unknown>>> = {
  'fallback()': fallback(broken(), pass),
  'fallback() after a deep failure': fallback(sequence(nested, pass), pass),
  'fallback() after a timeout of its step': fallback(timed(5), pass),
  'fallback() that fails': fallback(broken(), broken()),
  'retry()': retry(broken(), { attempts: 3, delay: 0 }),
  'parallel()': parallel({ a: broken(), b: pass }),
  'a lambda that invokes a failing chain': lambda((text: string, context) => broken().invoke(text, context)),
  'fallback() and retry() inside parallel()': parallel({
    a: fallback(broken(), pass),
    b: retry(broken(), { attempts: 2, delay: 0 }),
    c: fallback(retry(sequence(nested, pass), { attempts: 2, delay: 0 }), pass),
  }),
}

/** A handler that takes some ms for each event, and records the events in the order in which it receives them. */
function slowHandler(ms: number): { readonly events: RunEvent[]; readonly handler: (event: RunEvent) => Promise<void> } {
  const events: RunEvent[] = []
  const handler = async (event: RunEvent): Promise<void> => {
    events.push(event)
    await new Promise((resolve) => setTimeout(resolve, ms))
  }
  return { events, handler }
}

/** Ends that come before the end of a run below them. */
function earlyEnds(events: readonly RunEvent[]): readonly string[] {
  const open = new Map<string, RunEvent['run']>()
  return events.flatMap(({ type, run }) => {
    if (type === 'start') open.set(run.id, run)
    if (type !== 'end' && type !== 'error') return []
    open.delete(run.id)
    return [...open.values()].some(({ parentId }) => parentId === run.id) ? [`${type} of ${run.name}`] : []
  })
}

describe.each(Object.entries(chains))('%s', (_, chain) => {
  test('a handler that returns promises receives the ends of children before those of their parents (P1)', async () => {
    const { events, handler } = slowHandler(1)
    const fast: RunEvent[] = []
    const run = chain.stream('in', { callbacks: [handler, (event) => void fast.push(event)] })
    await run.drain().catch(() => {})
    await run.flushed
    expect(earlyEnds(events)).toEqual([])
    expect(events.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(fast.map(({ seq }) => seq))
  })
})

test.each(['fallback()', 'fallback() after a deep failure', 'fallback() that fails', 'retry()'])(
  '%s: a handler that returns promises receives how an attempt ended before the start of the next one (P4)',
  async (name) => {
    const { events, handler } = slowHandler(2)
    const run = chains[name]?.stream('in', { callbacks: [handler] })
    await run?.drain().catch(() => {})
    await run?.flushed
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
  },
)

test('stop() of a fallback ends at once, though a handler of the failed attempt never answers (P2)', async () => {
  const stuck = (event: RunEvent): Promise<void> | undefined =>
    event.type === 'error' && event.run.name === 'failing' ? new Promise(() => {}) : undefined
  const run = fallback(broken(), pass).stream('in', { callbacks: [stuck] })
  setTimeout(() => run.stop(), 10)
  await run.drain()
  expect((await run.outcome).status).toBe('aborted')
})

test('a handler cannot change a run for the handlers after it: run, tags and metadata are frozen', async () => {
  const seen: string[] = []
  const meddler = ({ run }: RunEvent): void => {
    for (const change of [
      () => (run.tags as string[]).push('mine'),
      () => Object.assign(run.metadata, { user: 'another' }),
      () => Object.assign(run, { name: 'other' }),
    ])
      expect(change).toThrow(TypeError)
  }
  const observer = ({ run }: RunEvent): void => void seen.push(`${run.name} ${run.tags.join()} ${String(run.metadata.user)}`)
  await pass.invoke('in', { callbacks: [meddler, observer], tags: ['a'], metadata: { user: 'u1' } })
  expect(seen).toEqual(['pass a u1', 'pass a u1'])
})
