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

const answeringModels = (events: readonly RunEvent[]): readonly string[] =>
  events.flatMap(({ type, run }) => (type === 'end' && run.kind === 'chat_model' ? [run.name] : []))

describe('fallback(new BrowserAI(), remote)', () => {
  test('uses the browser’s model if it is available, and sends no request', async () => {
    const { chain, fetch } = localFirst({})
    const record = recorder()
    const { chunks } = await readAll(chain.stream({ animal: 'bears' }, { callbacks: [record] }))
    expect(chunks.join('')).toBe('Hello!')
    expect(answeringModels(record.events)).toEqual(['BrowserAI'])
    expect(fetch.calls).toEqual([])
  })

  const fails: Readonly<Record<string, LanguageModelScript>> = {
    'is unavailable': { availability: 'unavailable' },
    'needs a download, and the visitor has not clicked': { availability: 'downloadable' },
    'is being downloaded': { availability: 'downloading' },
    'fails to report its availability': { availability: new DOMException('Try again.', 'UnknownError') },
    'cannot be loaded': { createError: new DOMException('Out of memory.', 'OperationError') },
    'is too small for the conversation': { contextWindow: 5 },
    'withholds its output': { chunks: [], error: new DOMException('Filtered.', 'NotReadableError') },
  }

  test.each(Object.entries(fails))(
    'uses the fallback if the browser’s model %s; emits the failure, and leaves no session',
    async (_, script) => {
      const { chain, fetch, languageModel } = localFirst(script)
      const record = recorder()
      const { chunks, error } = await readAll(chain.stream({ animal: 'bears' }, { callbacks: [record] }))
      expect(error).toBeUndefined()
      expect(chunks.join('')).toBe('Remote')
      record.check()
      expect(record.trace()).toContain('X BrowserAI')
      expect(answeringModels(record.events)).toEqual(['ChatOpenAI'])
      expect(fetch.calls).toHaveLength(1)
      expect([languageModel.open, languageModel.running]).toEqual([0, 0])
    },
  )

  test('uses the fallback in a page without the API', async () => {
    vi.stubGlobal('LanguageModel', undefined)
    const chain = prompt.pipe(fallback(new BrowserAI(), scriptedModel(['Remote']))).pipe(new StringOutputParser())
    expect(await chain.invoke({ animal: 'bears' })).toBe('Remote')
    vi.unstubAllGlobals()
  })

  test('a failure after the first token does not use the fallback: the user has seen output', async () => {
    const { chain, fetch } = localFirst({ chunks: ['Hel'], error: new DOMException('Evicted.', 'UnknownError') })
    const { chunks, error } = await readAll(chain.stream({ animal: 'bears' }))
    expect(chunks).toEqual(['Hel'])
    expect(error).toMatchObject({ code: 'wire', providerType: 'UnknownError' })
    expect(fetch.calls).toEqual([])
  })

  test('a break does not use the fallback, and destroys the session', async () => {
    const { chain, fetch, languageModel } = localFirst({ stallAfter: 1 })
    for await (const _ of chain.stream({ animal: 'bears' })) break
    expect(fetch.calls).toEqual([])
    expect([languageModel.open, languageModel.running]).toEqual([0, 0])
  })
})
