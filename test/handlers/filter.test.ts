import { type Listener, lambda, type RunEvent } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createEventPredicate, type EventTraits } from '../../src/core/handler/filter.ts'
import { withFilter } from '../../src/handlers/filter.ts'

const chain = lambda((x: string) => x, { name: 'first' }).pipe(scriptedModel([['a', 'b']], { tags: ['draft'] }))

/** The events of one run of the chain that pass a filter. */
async function through(which: Parameters<typeof withFilter>[1]): Promise<readonly string[]> {
  const recorded = recorder()
  await chain.stream('x', { callbacks: [withFilter(recorded, which)] }).drain()
  return recorded.trace()
}

describe('withFilter()', () => {
  it.each<[string, EventTraits, readonly string[]]>([
    ['names', { names: ['first'] }, ['S first', 'E first']],
    ['kinds', { kinds: ['chat_model'] }, ['S ScriptedModel', 'T a', 'T b', 'E ScriptedModel']],
    ['types', { types: ['token'] }, ['T a', 'T b']],
    ['tags', { tags: ['draft', 'none'] }, ['S ScriptedModel', 'T a', 'T b', 'E ScriptedModel']],
    ['any of several', { names: ['first'], types: ['token'] }, ['S first', 'E first', 'T a', 'T b']],
    ['an empty list', { names: [] }, []],
    [
      'nothing',
      {},
      [
        'S RunnableSequence',
        'S first<RunnableSequence',
        'E first',
        'S ScriptedModel<RunnableSequence',
        'T a',
        'T b',
        'E ScriptedModel',
        'E RunnableSequence',
      ],
    ],
  ])('passes events with any trait of: %s', async (_, traits, expected) => {
    expect(await through(traits)).toEqual(expected)
  })

  it('passes events that the predicate accepts', async () => {
    expect(await through((event) => event.type === 'token' && event.token === 'b')).toEqual(['T b'])
  })

  it("keeps the handler's name, raiseError, flush and promise", async () => {
    const flush = vi.fn(async () => {})
    const inner: Listener = Object.assign(async function named() {}, { raiseError: true, flush })
    const listener = withFilter(inner, { types: ['end'] })
    const [start, end] = (['start', 'end'] as const).map(
      (type) => ({ type, run: { name: 'n', kind: 'chain', tags: [] } }) as unknown as RunEvent,
    )
    expect([listener.name, listener.raiseError]).toEqual(['named', true])
    expect(start && listener(start)).toBeUndefined()
    expect(end && listener(end)).toBeInstanceOf(Promise)
    await listener.flush?.()
    expect(flush).toHaveBeenCalledTimes(1)
    expect(withFilter(() => {}, {})).not.toHaveProperty('raiseError')
  })

  it('locks a stream handler only when there is an event to write', async () => {
    const stream = new WritableStream<RunEvent>()
    const listener = withFilter(stream, { types: ['token'] })
    await lambda(() => 1).invoke('x', { callbacks: [listener] })
    expect(stream.locked).toBe(false)
    await chain.stream('x', { callbacks: [listener] }).drain()
    expect(stream.locked).toBe(true)
  })
})

describe('createEventPredicate()', () => {
  const traits = fc.record(
    {
      names: fc.subarray(['a', 'b']),
      kinds: fc.subarray(['chain', 'llm'] as const),
      types: fc.subarray(['start', 'end'] as const),
      tags: fc.subarray(['x', 'y']),
    },
    { requiredKeys: [] },
  )
  const event = fc.record({
    type: fc.constantFrom('start', 'end', 'text'),
    run: fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      kind: fc.constantFrom('chain', 'llm', 'tool'),
      tags: fc.subarray(['x', 'y', 'z']),
    }),
  }) as unknown as fc.Arbitrary<RunEvent>

  it('includes events with any trait, or all without traits, and excludes events with any trait', () => {
    const has = ({ names, kinds, types, tags }: EventTraits, { type, run }: RunEvent): boolean =>
      [
        names?.includes(run.name),
        kinds?.includes(run.kind),
        (types as readonly string[] | undefined)?.includes(type),
        tags?.some((tag) => run.tags.includes(tag)),
      ].includes(true)
    fc.assert(
      fc.property(fc.option(traits, { nil: undefined }), fc.option(traits, { nil: undefined }), event, (include, exclude, candidate) => {
        const isIncluded = include === undefined || Object.keys(include).length === 0 || has(include, candidate)
        const isExcluded = exclude !== undefined && has(exclude, candidate)
        expect(createEventPredicate({ ...(include && { include }), ...(exclude && { exclude }) })(candidate)).toBe(
          isIncluded && !isExcluded,
        )
      }),
    )
  })
})
