import type { RunContext } from 'chaintap'
import { type Document, InMemoryRetriever, Retriever } from 'chaintap/retrievers'
import { recorder } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

const documents = [
  { pageContent: 'Bears eat honey, and honey alone makes bears happy.', metadata: { id: 1 } },
  { pageContent: 'Cats sleep.', metadata: { id: 2 } },
  { pageContent: 'Ein Bär isst Honig; 熊 吃 蜂蜜.', metadata: { id: 3 } },
  { pageContent: 'Honey.', metadata: { id: 4 } },
]
const ids = (found: readonly { metadata: { id: number } }[]): number[] => found.map(({ metadata }) => metadata.id)

describe('Retriever', () => {
  class Search extends Retriever {
    readonly name = 'Search'
    received: RunContext | undefined
    override async retrieve(query: string, context: RunContext): Promise<readonly Document[]> {
      if (query === '') throw new Error('empty query')
      this.received = context
      await context.emit({ type: 'custom', name: 'looked', data: query })
      return [{ pageContent: query }]
    }
  }

  test('emits retriever events: query, documents, errors, custom events', async () => {
    const [onRetrieverStart, onRetrieverEnd, onRetrieverError, onChainStart] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()]
    const handler = { onRetrieverStart, onRetrieverEnd, onRetrieverError, onChainStart }
    const recorded = recorder()
    const search = new Search({ callbacks: [handler], tags: ['mine'] })
    expect(await search.invoke('bears', { callbacks: [recorded] })).toEqual([{ pageContent: 'bears' }])
    await expect(search.invoke('')).rejects.toThrow('empty query')
    expect(onRetrieverStart).toHaveBeenCalledWith('bears', expect.objectContaining({ type: 'start' }))
    expect(onRetrieverEnd).toHaveBeenCalledExactlyOnceWith([{ pageContent: 'bears' }], expect.anything())
    expect(onRetrieverError).toHaveBeenCalledOnce()
    expect(onChainStart).not.toHaveBeenCalled()
    expect(recorded.events.map(({ type }) => type)).toEqual(['start', 'custom', 'end'])
    expect(recorded.events[0]?.run).toMatchObject({ kind: 'retriever', tags: ['mine'] })
  })

  test('retrieve() receives the signal of its run', async () => {
    const search = new Search()
    await search.invoke('bears')
    expect(search.received?.signal).toBeInstanceOf(AbortSignal)
  })
})

describe('InMemoryRetriever', () => {
  const retriever = new InMemoryRetriever({ documents })

  test.each([
    ['honey', [4, 1]],
    ['What do bears eat?', [1]],
    ['BÄR', [3]],
    ['蜂蜜', [3]],
    ['dogs', []],
    ['', []],
    ['cats or bears and honey', [2, 1, 4]],
  ])('finds the documents for %j', async (query, expected) => {
    const found = ids(await retriever.invoke(query))
    expect(new Set(found)).toEqual(new Set(expected))
    if (query === 'honey') expect(found).toEqual(expected)
  })

  test('returns at most k of the documents, uncopied, and none of an empty list', async () => {
    const one = new InMemoryRetriever({ documents, k: 1 })
    expect((await one.invoke('honey'))[0]).toBe(documents[3])
    expect(await new InMemoryRetriever({ documents: [] }).invoke('honey')).toEqual([])
    for (const k of [0, 1.5, Number.NaN]) expect(() => new InMemoryRetriever({ documents, k })).toThrow(/k must be/)
  })

  test('returns exactly the documents that share a word with the query', async () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const texts = fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(texts, fc.array(word, { maxLength: 3 }), async (all, query) => {
        const made = all.map((words) => ({ pageContent: words.join(' ') }))
        const found = await new InMemoryRetriever({ documents: made, k: 100 }).invoke(query.join(' '))
        const expected = made.filter(({ pageContent }) => query.some((term) => pageContent.split(' ').includes(term)))
        expect(new Set(found)).toEqual(new Set(expected))
      }),
    )
  })
})
