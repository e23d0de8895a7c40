import { ChatPromptTemplate, ConsoleCallbackHandler, PromptTemplate, type RunEvent } from 'chaintap'
import { LLMChain } from 'chaintap/chains'
import { recorder, scriptedModel } from 'chaintap/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readAll, Talker } from '../support/sources.ts'

afterEach(() => vi.restoreAllMocks())

const prompt = PromptTemplate.fromTemplate('1 + {number} = ')
const threeFrom = () => scriptedModel([['th', 'ree']], { name: 'Llm' })

describe('LLMChain', () => {
  test('values in, { text } out; the events in the documented order, the formatted prompt among them', async () => {
    const heard = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt })
    expect(await chain.invoke({ number: 2 }, { callbacks: [heard] })).toEqual({ text: 'three' })
    heard.check()
    expect(heard.trace()).toEqual(['S LLMChain', 'TXT Prompt after formatting:\n1 + 2 = ', 'S Llm<LLMChain', 'E Llm', 'E LLMChain'])
    expect(heard.events[0]).toMatchObject({ input: { number: 2 }, run: { kind: 'chain' } })
    expect(heard.events.at(-1)).toMatchObject({ output: { text: 'three' } })
  })

  test('a model of texts gets text, a chat model messages, from either prompt', async () => {
    const chat = ChatPromptTemplate.fromMessages([['system', 'Sums.'], '1 + {number} = '])
    const talker = new Talker([['3']])
    const inputs: unknown[] = []
    const hear = (event: RunEvent): void => {
      if (event.type === 'start' && event.run.kind !== 'chain') inputs.push(event.input)
    }
    for (const llm of [talker, threeFrom()]) {
      await new LLMChain({ llm, prompt }).run({ number: 2 }, { callbacks: [hear] })
      await new LLMChain({ llm, prompt: chat }).run({ number: 2 }, { callbacks: [hear] })
    }
    expect(inputs).toEqual([
      '1 + 2 = ',
      'System: Sums.\nHuman: 1 + 2 = ',
      [{ role: 'user', content: '1 + 2 = ' }],
      [
        { role: 'system', content: 'Sums.' },
        { role: 'user', content: '1 + 2 = ' },
      ],
    ])
  })

  test('it streams the answer under its key, and folds it', async () => {
    const run = new LLMChain({ llm: threeFrom(), prompt, outputKey: 'sum' }).stream('2')
    expect((await readAll(run)).chunks).toEqual([{ sum: 'th' }, { sum: 'ree' }])
    expect(await run.outcome).toMatchObject({ status: 'complete', output: { sum: 'three' } })
  })

  test('run gives the answer alone, call is invoke; a lone value is the only variable; all take options', async () => {
    const heard = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt, outputKey: 'sum' })
    const options = { callbacks: [heard], tags: ['sums'] }
    expect(await chain.run('2', options)).toBe('three')
    expect(await chain.call({ number: 2 }, options)).toEqual({ sum: 'three' })
    expect(await chain.withConfig({ tags: ['bound'] }).run('2', options)).toBe('three')
    expect(heard.events.every(({ run }) => run.tags.includes('sums'))).toBe(true)
  })

  test('apply is one run over a list of inputs, a model run each; batch is a run for each', async () => {
    const heard = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt })
    const inputs = [{ number: 2 }, { number: 3 }]
    const answers = [{ text: 'three' }, { text: 'three' }]
    expect(await chain.apply(inputs, { callbacks: [heard], maxConcurrency: 1 })).toEqual(answers)
    heard.check()
    expect(heard.trace().map((line) => line.split('\n')[0])).toEqual([
      'S LLMChain',
      'TXT Prompt after formatting:',
      'S Llm<LLMChain',
      'E Llm',
      'TXT Prompt after formatting:',
      'S Llm<LLMChain',
      'E Llm',
      'E LLMChain',
    ])
    const each = recorder()
    expect(await chain.batch(inputs, { callbacks: [each] })).toEqual(answers)
    expect(each.trace().filter((line) => line === 'S LLMChain')).toHaveLength(2)
  })

  test('a missing variable is an error that names it, before any model run', async () => {
    const heard = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt })
    await expect(chain.invoke({} as never, { callbacks: [heard] })).rejects.toMatchObject({
      code: 'missing_variable',
      message: expect.stringContaining('number'),
    })
    expect(heard.trace()).toEqual(['S LLMChain', 'X LLMChain'])
    expect(chain.inputKeys).toEqual(['number'])
  })

  test('constructor callbacks hear the chain alone, request callbacks all below it (P7)', async () => {
    const own = recorder()
    const all = recorder()
    await new LLMChain({ llm: threeFrom(), prompt, callbacks: [own], tags: ['mine'] }).run('2', { callbacks: [all] })
    expect(new Set(own.events.map(({ run }) => run.name))).toEqual(new Set(['LLMChain']))
    expect(new Set(all.events.map(({ run }) => run.name))).toEqual(new Set(['LLMChain', 'Llm']))
    expect(own.events[0]?.run.tags).toEqual(['mine'])
  })

  test.each(['verbose', 'the console handler'])('%s prints the chain as LangChain does', async (way) => {
    const lines: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...parts: string[]) => void lines.push(parts.join('')))
    const how = way === 'verbose' ? { verbose: true } : { callbacks: [new ConsoleCallbackHandler({ style: 'transcript' })] }
    await new LLMChain({ llm: threeFrom(), prompt, ...how }).run('2')
    log.mockRestore()
    const text = lines.join('\n')
    expect(text).toMatch(/Entering new LLMChain chain\.\.\.[\s\S]*Prompt after formatting:\n1 \+ 2 = [\s\S]*Finished chain\./)
    expect(text).not.toContain('three')
  })

  test('stop among the values reaches a model that can be told', async () => {
    const bind = vi.fn(() => threeFrom())
    const llm = Object.assign(threeFrom(), { bind })
    await new LLMChain({ llm, prompt }).run({ number: 2, stop: ['\n'] })
    expect(bind).toHaveBeenCalledExactlyOnceWith({ stop: ['\n'] })
  })
})
