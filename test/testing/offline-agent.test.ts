import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { offlineFetch, recorder } from 'chaintap/testing'
import { calculator, loadTools, tool } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'
import { readAll } from '../support/sources.ts'

const llm = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true, streaming: true })

describe('offlineFetch() as the model of an agent', () => {
  test.each([
    ['What is 2 raised to the 0.235 power?', String(2 ** 0.235)],
    ['What is 17 + 4 * 2?', '25'],
    ['How much is 7 times 6?', '42'],
    ['What is 3 squared?', '9'],
    ['What is 2 to the power of 10?', '1024'],
  ])('calculates: %s', async (question, value) => {
    const record = recorder()
    const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm)
    expect(await agent.run(question, { callbacks: [record] })).toBe(value)
    record.check()
    expect(record.trace()).toContain('S LLMMathChain<Calculator')
    expect(await initializeAgent([calculator], llm).run(question)).toBe(value)
  })

  test('answers without a tool if it can, and calls no tool that is missing', async () => {
    expect(await initializeAgent([calculator], llm).run('Tell me a joke about bears')).toMatch(/gummy/)
    const search = tool(() => 'found', { name: 'Search', description: 'Finds.' })
    expect(await initializeAgent([search], llm).run('What is 17 + 4 * 2?')).toMatch(/25/)
  })

  test('streams only the final answer', async () => {
    const { chunks } = await readAll(initializeAgent([calculator], llm).stream('What is 17 + 4 * 2?'))
    expect(chunks.join('')).toBe('25')
  })

  test('returns a final answer for earlyStoppingMethod: generate', async () => {
    const agent = initializeAgent([calculator], llm, { maxIterations: 1, earlyStoppingMethod: 'generate' })
    expect(await agent.run('What is 17 + 4 * 2?')).toMatch(/25/)
  })
})
