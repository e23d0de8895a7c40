import { branch, fallback, type Handler, type Listener, lambda, parallel, type Runnable, retry, sequence, transform } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { recorder } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { counted, Talker, turn } from '../support/sources.ts'

type Step = Runnable<string, string, unknown>

type Acts = 'value' | 'promise' | 'throw' | 'reject' | 'wait'

/** The parts of a random chain. Every step takes a string and returns one. */
type Spec =
  | { readonly is: 'model'; readonly chunks: readonly (readonly string[])[]; readonly ends: 'well' | 'fails' | 'stalls' }
  | { readonly is: 'lambda'; readonly does: Acts }
  | { readonly is: 'generator'; readonly count: number; readonly fails: boolean }
  | { readonly is: 'transformer'; readonly does: 'pass' | 'slow' | 'throw' | 'terminate' | 'stream' }
  | { readonly is: 'calls'; readonly how: 'awaits' | 'forgets' | 'returns' | 'streams' | 'catches'; readonly below: Spec }
  | { readonly is: 'sequence'; readonly steps: readonly Spec[] }
  | { readonly is: 'parallel'; readonly branches: readonly Spec[] }
  | { readonly is: 'tool'; readonly does: Acts }
  | { readonly is: 'agent'; readonly does: Acts; readonly second: 'well' | 'fails' | 'stalls' | 'garbled'; readonly handles: boolean }
  | { readonly is: 'retry'; readonly below: Spec }
  | { readonly is: 'fallback' | 'branch'; readonly first: Spec; readonly second: Spec }

const token = fc.constantFrom('a', 'bb', ' ', 'é')
const acts = fc.constantFrom<Acts[]>('value', 'promise', 'value', 'throw', 'reject', 'wait')
const { spec } = fc.letrec<{ spec: Spec; leaf: Spec }>((tie) => ({
  leaf: fc.oneof(
    fc.record({
      is: fc.constant('model' as const),
      chunks: fc.array(fc.array(token, { maxLength: 3 }), { maxLength: 4 }),
      ends: fc.constantFrom('well', 'well', 'well', 'fails', 'stalls'),
    }),
    fc.record({ is: fc.constantFrom('lambda' as const, 'tool' as const), does: acts }),
    fc.record({
      is: fc.constant('agent' as const),
      does: acts,
      second: fc.constantFrom('well', 'well', 'fails', 'stalls', 'garbled'),
      handles: fc.boolean(),
    }),
    fc.record({ is: fc.constant('generator' as const), count: fc.nat(4), fails: fc.boolean() }),
    fc.record({ is: fc.constant('transformer' as const), does: fc.constantFrom('pass', 'slow', 'throw', 'terminate', 'stream') }),
  ),
  spec: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('leaf'),
    fc.record({
      is: fc.constant('calls' as const),
      how: fc.constantFrom('awaits', 'forgets', 'returns', 'streams', 'catches'),
      below: tie('spec'),
    }),
    fc.record({ is: fc.constant('sequence' as const), steps: fc.array(tie('spec'), { minLength: 2, maxLength: 4 }) }),
    fc.record({ is: fc.constant('parallel' as const), branches: fc.array(tie('spec'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ is: fc.constant('retry' as const), below: tie('spec') }),
    fc.record({ is: fc.constantFrom('fallback' as const, 'branch' as const), first: tie('spec'), second: tie('spec') }),
  ),
}))

const scenario = fc.record({
  spec,
  /** How the chain is run, and after how many reads the reader leaves. */
  way: fc.constantFrom('invoke', 'stream', 'events', 'batches', 'drain'),
  leavesAfter: fc.option(fc.nat(5), { nil: undefined }),
  abort: fc.option(fc.nat(4), { nil: undefined }),
  timeout: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  slow: fc.boolean(),
  raisesAt: fc.option(fc.nat(12), { nil: undefined }),
  stopsAt: fc.option(fc.nat(12), { nil: undefined }),
})

function build(what: Spec, talkers: Talker[]): Step {
  switch (what.is) {
    case 'model':
      return model(what, talkers)
    case 'lambda':
      return lambda(async (x: string) => acted(what.does, x))
    case 'tool':
      return acting(what.does)
    case 'agent':
      return agent(what, talkers)
    case 'generator':
      return lambda(async function* (x: string) {
        for (let i = 0; i < what.count; i++) yield x.slice(0, 2)
        if (what.fails) throw new Error('generator')
      })
    case 'transformer':
      return transformer(what.does)
    case 'calls':
      return calling(what.how, build(what.below, talkers))
    case 'sequence': {
      const [first, second, ...rest] = what.steps.map((step) => build(step, talkers)) as [Step, Step, ...Step[]]
      return rest.reduce((all, next) => sequence(all, next), sequence(first, second))
    }
    case 'parallel': {
      const branches = Object.fromEntries(what.branches.map((branch, index) => [`k${index}`, build(branch, talkers)]))
      return parallel(branches).pipe((all) => JSON.stringify(all))
    }
    case 'retry':
      return retry(build(what.below, talkers), { attempts: 2, delay: 0 })
    case 'fallback':
      return fallback(build(what.first, talkers), build(what.second, talkers))
    case 'branch':
      return branch([(x: string) => x.length > 1, build(what.first, talkers)], build(what.second, talkers))
  }
}

function model(what: Extract<Spec, { is: 'model' }>, talkers: Talker[]): Step {
  const made = new Talker(() =>
    counted(what.chunks, {
      ...(what.ends === 'fails' && { error: new Error('socket') }),
      stall: what.ends === 'stalls',
      before: (chunk) => (chunk.length === 1 ? turn() : undefined),
    }),
  )
  talkers.push(made)
  return made
}

const acting = (does: Acts) => tool(async (x: string) => acted(does, x), { name: 'act', description: 'Acts.' })

/** An agent that uses its tool once, then answers, fails, stalls or breaks the format. */
function agent({ does, second, handles }: Extract<Spec, { is: 'agent' }>, talkers: Talker[]): Step {
  const llm = new Talker((prompt) => {
    if (!/Observation: (?!what)/.test(prompt)) return counted([[' Hm.\nAction: act\n'], ['Action Input: x']])
    const answer =
      second === 'garbled'
        ? [[' Hm.']]
        : [
            [' Final', ' Answer:'],
            [' a', ' b'],
          ]
    return counted(answer, { ...(second === 'fails' && { error: new Error('socket') }), stall: second === 'stalls' })
  })
  talkers.push(llm)
  const options = { handleParsingErrors: handles, handleToolErrors: handles, maxIterations: 3 }
  return initializeAgent([acting(does)], llm, options).pipe(({ output }) => output)
}

function acted(does: Acts, x: string): string | Promise<string> {
  if (does === 'throw') throw new Error('lambda')
  if (does === 'reject') return Promise.reject(new Error('lambda'))
  if (does === 'wait') return turn(1).then(() => x)
  return does === 'promise' ? Promise.resolve(x) : `${x}!`
}

function transformer(does: Extract<Spec, { is: 'transformer' }>['does']): Step {
  if (does === 'stream') return transform<string, string>(() => new TransformStream<string, string>())
  return transform<string, string>(() => {
    let seen = 0
    return {
      transform(chunk, controller) {
        if (seen++ === 1 && does === 'throw') throw new Error('transformer')
        if (does === 'terminate' && seen === 2) controller.terminate()
        else if (does === 'slow') return turn().then(() => controller.enqueue(chunk))
        else controller.enqueue(chunk)
      },
    }
  })
}

function calling(how: Extract<Spec, { is: 'calls' }>['how'], below: Step): Step {
  return lambda(async (x: string, context): Promise<string | Step> => {
    if (how === 'returns') return below
    if (how === 'awaits') return below.invoke(x, context)
    if (how === 'catches') return below.invoke(x, context).catch(() => 'caught')
    if (how === 'forgets') void below.invoke(x, context)
    else for await (const _ of below.stream(x, context)) break
    return x
  })
}

/** Runs and reads the chain as the scenario says. Callers ignore what it throws. */
async function read(
  chain: Step,
  s: typeof scenario extends fc.Arbitrary<infer T> ? T : never,
  callbacks: Handler[],
  signal: AbortSignal,
): Promise<void> {
  const options = { callbacks, signal, ...(s.timeout !== undefined && { timeout: s.timeout }), onHandlerError: () => {} }
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
  await run.flushed
}

test('random chains: every run ends once, children first, and every body is closed, however the run is left (P1, P2, P4)', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (s) => {
      const talkers: Talker[] = []
      const recorded = recorder()
      const abort = new AbortController()
      const callbacks: Handler[] = [recorded, ...others(s, abort)]
      if (s.abort !== undefined) setTimeout(() => abort.abort(new Error('abort')), s.abort)
      // A chain that stalls must not keep the test waiting.
      setTimeout(() => abort.abort(new Error('at last')), 40)
      await read(build(s.spec, talkers), s, callbacks, abort.signal).catch(() => {})
      for (let i = 0; i < 20 && recorded.open.length > 0; i++) await turn(2)
      await turn(2)
      recorded.check()
      expect(recorded.open).toEqual([])
      expect(talkers.flatMap((talker) => talker.sources).filter((source) => source.isOpen())).toEqual([])
    }),
    { numRuns: 300 },
  )
}, 60_000)

function others(s: { slow: boolean; raisesAt: number | undefined; stopsAt: number | undefined }, abort: AbortController): Handler[] {
  let raise = s.raisesAt
  let stop = s.stopsAt
  const raiser: Listener = Object.assign(
    () => {
      if (raise !== undefined && raise-- === 0) throw new Error('raised')
    },
    { raiseError: true },
  )
  const stopper: Listener = ({ seq }, end) => {
    if (stop === undefined || stop-- > 0) return
    stop = undefined
    // Stops the whole tree, or the run of the event.
    const reason = new Error('by a handler')
    if (seq % 2 === 0) abort.abort(reason)
    else end?.(reason)
  }
  const slow: Listener = (event) => (event.seq % 3 === 0 ? turn(1) : undefined)
  return [...(s.slow ? [slow] : []), raiser, stopper]
}
