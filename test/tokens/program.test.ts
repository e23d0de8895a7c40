// The program of LangChain's documents that counts tokens, ported: https://python.langchain.com/docs/how_to/llm_token_usage_tracking
import { ambientCounter, countTokens as countAmbient } from 'chaintap/async-context'
import { OpenAI } from 'chaintap/openai'
import { offlineFetch } from 'chaintap/testing'
import { countTokens } from 'chaintap/tokens'
import { describe, expect, test } from 'vitest'

const options = { apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true, temperature: 0 }
const question = 'What is the square root of 4?'
const hasAsyncContext = 'process' in globalThis && typeof process.getBuiltinModule === 'function'

test('countTokens() counts with an explicitly passed counter, as in a page', async () => {
  const llm = new OpenAI(options)

  const { counter: one } = await countTokens((counter) => llm.invoke(question, { callbacks: [counter] }))
  const t = one.totalTokens ?? 0
  expect(t).toBeGreaterThan(0)

  const { counter: two } = await countTokens(async (counter) => {
    await llm.invoke(question, { callbacks: [counter] })
    await llm.invoke(question, { callbacks: [counter] })
  })
  expect(two.totalTokens).toBe(t * 2)

  const { counter: three } = await countTokens((counter) =>
    Promise.all([1, 2, 3].map(() => llm.generate([question], { callbacks: [counter] }))),
  )
  expect(three).toMatchObject({ totalTokens: t * 3, successfulRequests: 3 })

  const task = llm.generate([question])
  const { counter: other } = await countTokens(async (counter) => {
    await llm.generate([question], { callbacks: [counter] })
    await task
  })
  expect(other.totalTokens).toBe(t)
})

describe.runIf(hasAsyncContext)('in a runtime with async context', () => {
  test('ambientCounter counts without passing a counter, as in a Worker', async () => {
    const llm = new OpenAI({ ...options, callbacks: [ambientCounter] })

    const { counter: one } = await countAmbient(() => llm.invoke(question))
    const t = one.totalTokens ?? 0
    expect(t).toBeGreaterThan(0)

    const { counter: two } = await countAmbient(async () => {
      await llm.invoke(question)
      await llm.invoke(question)
    })
    expect(two.totalTokens).toBe(t * 2)

    const { counter: three } = await countAmbient(() => Promise.all([1, 2, 3].map(() => llm.generate([question]))))
    expect(three).toMatchObject({ totalTokens: t * 3, successfulRequests: 3 })

    const task = llm.generate([question])
    const { counter: other } = await countAmbient(async () => {
      await llm.generate([question])
      await task
    })
    expect(other.totalTokens).toBe(t)
  })
})
