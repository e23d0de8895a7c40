import { ChatPromptTemplate, fallback, type RunEvent, StringOutputParser } from 'chaintap'
import { BrowserAI } from 'chaintap/browser-ai'
import { ChatOpenAI } from 'chaintap/openai'
import { faultyFetch, openaiSse, recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, test, vi } from 'vitest'
import { fakeLanguageModel, type LanguageModelScript } from '../../support/language-model.ts'
import { readAll } from '../../support/sources.ts'

const prompt = ChatPromptTemplate.fromTemplate('A joke about {animal}')

const localFirst = (script: LanguageModelScript) => {
  const languageModel = fakeLanguageModel(script)
  const fetch = faultyFetch({ body: openaiSse({ text: ['Re', 'mote'] }) })
  const remote = new ChatOpenAI({ apiKey: 'none', fetch, dangerouslyAllowBrowser: true })
  const chain = prompt.pipe(fallback(new BrowserAI({ languageModel }), remote)).pipe(new StringOutputParser())
  return { languageModel, fetch, chain }
}

const answered = (events: readonly RunEvent[]): readonly string[] =>
  events.flatMap(({ type, run }) => (type === 'end' && run.kind === 'chat_model' ? [run.name] : []))

describe('local first: fallback(new BrowserAI(), remote)', () => {
  test('the browser’s model answers where it is there, and nothing leaves the page', async () => {
    const { chain, fetch } = localFirst({})
    const heard = recorder()
    const { chunks } = await readAll(chain.stream({ animal: 'bears' }, { callbacks: [heard] }))
    expect(chunks.join('')).toBe('Hello!')
    expect(answered(heard.events)).toEqual(['BrowserAI'])
    expect(fetch.calls).toEqual([])
  })

  const fails: Readonly<Record<string, LanguageModelScript>> = {
    'is unavailable': { availability: 'unavailable' },
    'has to be downloaded, and nobody has clicked': { availability: 'downloadable' },
    'is being downloaded': { availability: 'downloading' },
    'cannot say whether it is there': { availability: new DOMException('Try again.', 'UnknownError') },
    'cannot be loaded': { createError: new DOMException('Out of memory.', 'OperationError') },
    'is too small for the conversation': { contextWindow: 5 },
    'holds its answer back': { chunks: [], error: new DOMException('Filtered.', 'NotReadableError') },
  }

  test.each(Object.entries(fails))('the other one answers where it %s; its failure is told, and no session is left', async (_, script) => {
    const { chain, fetch, languageModel } = localFirst(script)
    const heard = recorder()
    const { chunks, error } = await readAll(chain.stream({ animal: 'bears' }, { callbacks: [heard] }))
    expect(error).toBeUndefined()
    expect(chunks.join('')).toBe('Remote')
    heard.check()
    expect(heard.trace()).toContain('X BrowserAI')
    expect(answered(heard.events)).toEqual(['ChatOpenAI'])
    expect(fetch.calls).toHaveLength(1)
    expect([languageModel.open, languageModel.running]).toEqual([0, 0])
  })

  test('a page without the API asks the other one', async () => {
    vi.stubGlobal('LanguageModel', undefined)
    const chain = prompt.pipe(fallback(new BrowserAI(), scriptedModel(['Remote']))).pipe(new StringOutputParser())
    expect(await chain.invoke({ animal: 'bears' })).toBe('Remote')
    vi.unstubAllGlobals()
  })

  test('what fails after its first words fails: they have been seen', async () => {
    const { chain, fetch } = localFirst({ chunks: ['Hel'], error: new DOMException('Evicted.', 'UnknownError') })
    const { chunks, error } = await readAll(chain.stream({ animal: 'bears' }))
    expect(chunks).toEqual(['Hel'])
    expect(error).toMatchObject({ code: 'wire', providerType: 'UnknownError' })
    expect(fetch.calls).toEqual([])
  })

  test('a stop is no failure: nobody else is asked, and the session is destroyed', async () => {
    const { chain, fetch, languageModel } = localFirst({ stallAfter: 1 })
    for await (const _ of chain.stream({ animal: 'bears' })) break
    expect(fetch.calls).toEqual([])
    expect([languageModel.open, languageModel.running]).toEqual([0, 0])
  })
})
