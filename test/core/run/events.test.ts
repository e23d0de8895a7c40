import { lambda, type RunEvent, retry, StringOutputParser, sequence } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { InMemoryRetriever } from 'chaintap/retrievers'
import { recorder, scriptedModel } from 'chaintap/testing'
import { calculator } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'
import { readAll } from '../../support/sources.ts'

const llm = scriptedModel((_, index) =>
  index % 2 === 0
    ? [' Hm.\n', 'Action: Calculator\nAction Input: 1 / 0']
    : { tokens: [{ type: 'reasoning', text: 'So' }, ' Ok.\nFinal Answer:', ' none'], usage: { outputTokens: 3 } },
)

/** A chain that emits every type of event. */
const everything = () => {
  let fails = true
  const flaky = lambda(
    (question: string) => {
      if (!fails) return question
      fails = false
      throw new Error('once')
    },
    { name: 'Flaky' },
  )
  const retriever = new InMemoryRetriever({ documents: [{ pageContent: 'bears' }], tags: ['look-up'] })
  const ask = lambda(
    async (question: string, context) => {
      await retriever.invoke(question, context)
      await context.emit({ type: 'custom', name: 'progress', data: 50 })
      return question
    },
    { name: 'Ask' },
  )
  return sequence(retry(flaky, { delay: 0 }), ask, initializeAgent([calculator], llm))
}

const eventsOf = async (options?: Parameters<ReturnType<typeof everything>['events']>[1]): Promise<readonly RunEvent[]> => {
  const { chunks, error } = await readAll(everything().events('bears', options))
  expect(error).toBeUndefined()
  return chunks
}

describe('events()', () => {
  test('yields every type of event, numbered without a gap, and all events that handlers receive', async () => {
    const recorded = recorder()
    const events = await eventsOf({ callbacks: [recorded] })
    const types = ['start', 'token', 'delta', 'chunk', 'end', 'error', 'text', 'action', 'finish', 'retry', 'custom']
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(types))
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
    expect(events.filter(({ type }) => type !== 'chunk')).toEqual(recorded.events)
    recorded.check()
  })

  const has = {
    names: ({ run }: RunEvent) => run.name === 'Ask',
    kinds: ({ run }: RunEvent) => run.kind === 'tool',
    types: ({ type }: RunEvent) => type === 'action',
    tags: ({ run }: RunEvent) => run.tags.includes('look-up'),
  }
  const traits = { names: ['Ask'], kinds: ['tool'], types: ['action'], tags: ['look-up'] } as const

  test.each(Object.keys(traits) as (keyof typeof traits)[])('include and exclude select events by %s', async (trait) => {
    const [all, included, excluded] = await Promise.all([
      eventsOf(),
      eventsOf({ include: { [trait]: traits[trait] } }),
      eventsOf({ exclude: { [trait]: traits[trait] } }),
    ])
    const shape = (events: readonly RunEvent[]): readonly string[] => events.map(({ type, run }) => `${type} ${run.name}`)
    expect(included.length).toBeGreaterThan(0)
    expect(shape(included)).toEqual(shape(all.filter(has[trait])))
    expect(shape(excluded)).toEqual(shape(all.filter((event) => !has[trait](event))))
  })

  test('include keeps events with any of its traits, exclude drops events with any, and both apply together', async () => {
    const events = await eventsOf({ include: { kinds: ['tool', 'retriever'] }, exclude: { types: ['end'] } })
    expect(events.map(({ type, run }) => `${type} ${run.kind}`)).toEqual(['start retriever', 'start tool', 'error tool'])
  })

  test('yields a failure as an event first, in its order, then throws it (P3)', async () => {
    const failure = new Error('socket')
    const chain = scriptedModel([{ tokens: ['a'], error: failure }]).pipe(new StringOutputParser())
    const { chunks, error } = await readAll(chain.events('x'))
    expect(chunks.map(({ type, run }) => `${type} ${run.name}`)).toEqual([
      'start RunnableSequence',
      'start ScriptedModel',
      'token ScriptedModel',
      'start StringOutputParser',
      'chunk RunnableSequence',
      'error ScriptedModel',
      'error StringOutputParser',
      'error RunnableSequence',
    ])
    expect(error).toBe(failure)
  })
})
