import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { offlineFetch, recorder } from 'chaintap/testing'
import { calculator, loadTools, tool } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'
import { readAll } from '../support/sources.ts'

const llm = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true, streaming: true })

describe('the offline model as an agent', () => {
  test.each([
    ['What is 2 raised to the 0.235 power?', String(2 ** 0.235)],
    ['What is 17 + 4 * 2?', '25'],
    ['How much is 7 times 6?', '42'],
    ['What is 3 squared?', '9'],
    ['What is 2 to the power of 10?', '1024'],
  ])('%s', async (question, value) => {
    const heard = recorder()
    const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm)
    expect(await agent.run(question, { callbacks: [heard] })).toBe(value)
    heard.check()
    expect(heard.trace()).toContain('S LLMMathChain<Calculator')
    expect(await initializeAgent([calculator], llm).run(question)).toBe(value)
  })

  test('what it can say itself it says, and it takes no tool that is not there', async () => {
    expect(await initializeAgent([calculator], llm).run('Tell me a joke about bears')).toMatch(/gummy/)
    const search = tool(() => 'found', { name: 'Search', description: 'Finds.' })
    expect(await initializeAgent([search], llm).run('What is 17 + 4 * 2?')).toMatch(/25/)
  })

  test('it streams the answer alone', async () => {
    const { chunks } = await readAll(initializeAgent([calculator], llm).stream('What is 17 + 4 * 2?'))
    expect(chunks.join('')).toBe('25')
  })

  test('asked for its answer at once it gives one', async () => {
    const agent = initializeAgent([calculator], llm, { maxIterations: 1, earlyStoppingMethod: 'generate' })
    expect(await agent.run('What is 17 + 4 * 2?')).toMatch(/25/)
  })
})
