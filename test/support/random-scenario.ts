import type { Handler, Listener } from 'chaintap'
import { recorder } from 'chaintap/testing'
import fc from 'fast-check'
import { build, type Step, spec } from './random-chain.ts'
import { checkedHandler, handlerSpec, seldom } from './random-handlers.ts'
import type { FetchText, Sources } from './random-models.ts'
import { turn } from './sources.ts'
import { collectUnhandled } from './unhandled.ts'

/** Random chains with handlers, and how they are run and left. */
export const scenario = fc.record({
  spec,
  /** How the chain is run, and after how many reads the reader leaves. */
  way: fc.constantFrom('invoke', 'stream', 'events', 'batches', 'drain'),
  leavesAfter: seldom(fc.nat(5)),
  abort: seldom(fc.nat(4)),
  timeout: seldom(fc.integer({ min: 1, max: 6 })),
  handlers: fc.array(handlerSpec, { maxLength: 3 }),
  stopsAt: seldom(fc.nat(12)),
})

export type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

/** Runs and reads the chain as the scenario says. Callers ignore what it throws. */
async function read(chain: Step, s: Scenario, callbacks: Handler[], signal: AbortSignal, waitUntil: (work: Promise<unknown>) => void) {
  const options = { callbacks, signal, waitUntil, ...(s.timeout !== undefined && { timeout: s.timeout }), onHandlerError: () => {} }
  if (s.way === 'invoke') return void (await chain.invoke('in', options))
  const run = s.way === 'events' ? chain.events('in', options) : chain.stream('in', options)
  if (s.leavesAfter !== undefined) setTimeout(() => run.stop(), 2 + s.leavesAfter)
  if (s.way === 'drain') await run.drain()
  else if (s.way === 'batches') {
    const reader = run.batches().getReader()
    for (let left = s.leavesAfter ?? -1; ; left--) {
      if (left === 0) return reader.cancel()
      if ((await reader.read()).done) break
    }
  } else {
    let left = s.leavesAfter ?? -1
    for await (const _ of run as AsyncIterable<unknown>) if (left-- === 0) break
  }
}

/** Runs one random chain and returns what it did wrong. */
export async function runScenario(s: Scenario, fetchText: FetchText): Promise<readonly unknown[]> {
  const unhandled = collectUnhandled()
  const recorded = recorder()
  const checked = s.handlers.map(checkedHandler)
  const sources: Sources = { talkers: [], fetches: [], abort: new AbortController(), fetchText }
  const { abort } = sources
  if (s.abort !== undefined) setTimeout(() => abort.abort(new Error('abort')), s.abort)
  // A chain that stalls must not keep the test waiting.
  setTimeout(() => abort.abort(new Error('at last')), 40)
  let flushed: Promise<unknown> = Promise.resolve('done')
  const callbacks: Handler[] = [recorded, ...checked.map(({ handler }) => handler), stopper(s.stopsAt, abort)]
  const waitUntil = (work: Promise<unknown>): void => {
    flushed = work.then(() => 'done')
  }
  await read(build(s.spec, sources), s, callbacks, abort.signal, waitUntil).catch(() => {})
  const isFlushed = (await Promise.race([flushed, turn(5000)])) === 'done'
  await turn(2)
  unhandled.stop()
  const faults = checked.flatMap(({ faults }, index) => faults().map((fault) => `handler ${index} received ${fault}`))
  const open = [
    ...sources.talkers.flatMap((talker) => talker.sources).filter((source) => source.isOpen()),
    ...sources.fetches.filter((fetch) => fetch.open > 0),
  ]
  if (!isFlushed) faults.push('flushed did not resolve')
  if (open.length > 0) faults.push(`${open.length} bodies stayed open`)
  recorded.check()
  return [...faults, ...unhandled.reasons]
}

/** Stops the whole tree, or the run of the event. */
function stopper(at: number | undefined, abort: AbortController): Listener {
  let left = at
  return ({ seq }, end) => {
    if (left === undefined || left-- > 0) return
    left = undefined
    const reason = new Error('by a handler')
    if (seq % 2 === 0) abort.abort(reason)
    else end?.(reason)
  }
}
