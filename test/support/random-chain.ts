import { branch, fallback, lambda, parallel, type Runnable, retry, sequence, transform } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { tool } from 'chaintap/tools'
import fc from 'fast-check'
import { type HttpSpec, httpModel, httpSpec, type Sources } from './random-models.ts'
import { counted, Talker, turn } from './sources.ts'

export type Step = Runnable<string, string, unknown>

type Acts = 'value' | 'promise' | 'throw' | 'reject' | 'wait'

/** The parts of a random chain. Every step takes a string and returns one. */
export type Spec =
  | { readonly is: 'model'; readonly chunks: readonly (readonly string[])[]; readonly ends: 'well' | 'fails' | 'stalls' }
  | HttpSpec
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
/** Random chains. */
export const { spec } = fc.letrec<{ spec: Spec; leaf: Spec }>((tie) => ({
  leaf: fc.oneof(
    fc.record({
      is: fc.constant('model' as const),
      chunks: fc.array(fc.array(token, { maxLength: 3 }), { maxLength: 4 }),
      ends: fc.constantFrom('well', 'well', 'well', 'fails', 'stalls'),
    }),
    httpSpec,
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

/** Builds the chain of a spec. */
export function build(what: Spec, sources: Sources): Step {
  switch (what.is) {
    case 'model':
      return model(what, sources)
    case 'http':
      return httpModel(what, sources)
    case 'lambda':
      return lambda(async (x: string) => acted(what.does, x))
    case 'tool':
      return acting(what.does)
    case 'agent':
      return agent(what, sources)
    case 'generator':
      return lambda(async function* (x: string) {
        for (let i = 0; i < what.count; i++) yield x.slice(0, 2)
        if (what.fails) throw new Error('generator')
      })
    case 'transformer':
      return transformer(what.does)
    case 'calls':
      return calling(what.how, build(what.below, sources))
    case 'sequence': {
      const [first, second, ...rest] = what.steps.map((step) => build(step, sources)) as [Step, Step, ...Step[]]
      return rest.reduce((all, next) => sequence(all, next), sequence(first, second))
    }
    case 'parallel': {
      const branches = Object.fromEntries(what.branches.map((branch, index) => [`k${index}`, build(branch, sources)]))
      return parallel(branches).pipe((all) => JSON.stringify(all))
    }
    case 'retry':
      return retry(build(what.below, sources), { attempts: 2, delay: 0 })
    case 'fallback':
      return fallback(build(what.first, sources), build(what.second, sources))
    case 'branch':
      return branch([(x: string) => x.length > 1, build(what.first, sources)], build(what.second, sources))
  }
}

function model(what: Extract<Spec, { is: 'model' }>, sources: Sources): Step {
  const made = new Talker(() =>
    counted(what.chunks, {
      ...(what.ends === 'fails' && { error: new Error('socket') }),
      stall: what.ends === 'stalls',
      before: (chunk) => (chunk.length === 1 ? turn() : undefined),
    }),
  )
  sources.talkers.push(made)
  return made
}

const acting = (does: Acts) => tool(async (x: string) => acted(does, x), { name: 'act', description: 'Acts.' })

/** An agent that uses its tool once, then answers, fails, stalls or breaks the format. */
function agent({ does, second, handles }: Extract<Spec, { is: 'agent' }>, sources: Sources): Step {
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
  sources.talkers.push(llm)
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
