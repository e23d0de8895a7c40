import { ChatPromptTemplate, ConsoleCallbackHandler, PromptTemplate, type RunEvent } from 'chaintap'
import { LLMChain } from 'chaintap/chains'
import { recorder, scriptedModel } from 'chaintap/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readAll, Talker } from '../support/sources.ts'

afterEach(() => vi.restoreAllMocks())

const prompt = PromptTemplate.fromTemplate('1 + {number} = ')
const threeFrom = () => scriptedModel([['th', 'ree']], { name: 'Llm' })

describe('LLMChain', () => {
  test('maps values to { text } and emits the documented events, the formatted prompt among them', async () => {
    const recorded = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt })
    expect(await chain.invoke({ number: 2 }, { callbacks: [recorded] })).toEqual({ text: 'three' })
    recorded.check()
    expect(recorded.trace()).toEqual(['S LLMChain', 'TXT Prompt after formatting:\n1 + 2 = ', 'S Llm<LLMChain', 'E Llm', 'E LLMChain'])
    expect(recorded.events[0]).toMatchObject({ input: { number: 2 }, run: { kind: 'chain' } })
    expect(recorded.events.at(-1)).toMatchObject({ output: { text: 'three' } })
  })

  test('passes text to a completion model and messages to a chat model, from either prompt', async () => {
    const chat = ChatPromptTemplate.fromMessages([['system', 'Sums.'], '1 + {number} = '])
    const textModel = new Talker([['3']])
    const inputs: unknown[] = []
    const listen = (event: RunEvent): void => {
      if (event.type === 'start' && event.run.kind !== 'chain') inputs.push(event.input)
    }
    for (const llm of [textModel, threeFrom()]) {
      await new LLMChain({ llm, prompt }).run({ number: 2 }, { callbacks: [listen] })
      await new LLMChain({ llm, prompt: chat }).run({ number: 2 }, { callbacks: [listen] })
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

  test('streams the answer under its key and folds it', async () => {
    const run = new LLMChain({ llm: threeFrom(), prompt, outputKey: 'sum' }).stream('2')
    expect((await readAll(run)).chunks).toEqual([{ sum: 'th' }, { sum: 'ree' }])
    expect(await run.outcome).toMatchObject({ status: 'complete', output: { sum: 'three' } })
  })

  test('run() returns the answer, call() is invoke(); both accept a single value and options', async () => {
    const recorded = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt, outputKey: 'sum' })
    const options = { callbacks: [recorded], tags: ['sums'] }
    expect(await chain.run('2', options)).toBe('three')
    expect(await chain.call({ number: 2 }, options)).toEqual({ sum: 'three' })
    expect(await chain.withConfig({ tags: ['bound'] }).run('2', options)).toBe('three')
    expect(recorded.events.every(({ run }) => run.tags.includes('sums'))).toBe(true)
  })

  test('apply() is one run over a list of inputs, batch() one run per input', async () => {
    const recorded = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt })
    const inputs = [{ number: 2 }, { number: 3 }]
    const answers = [{ text: 'three' }, { text: 'three' }]
    expect(await chain.apply(inputs, { callbacks: [recorded], maxConcurrency: 1 })).toEqual(answers)
    recorded.check()
    expect(recorded.trace().map((line) => line.split('\n')[0])).toEqual([
      'S LLMChain',
      'TXT Prompt after formatting:',
      'S Llm<LLMChain',
      'E Llm',
      'TXT Prompt after formatting:',
      'S Llm<LLMChain',
      'E Llm',
      'E LLMChain',
    ])
    const batched = recorder()
    expect(await chain.batch(inputs, { callbacks: [batched] })).toEqual(answers)
    expect(batched.trace().filter((line) => line === 'S LLMChain')).toHaveLength(2)
  })

  test('rejects a missing variable before the model is called', async () => {
    const recorded = recorder()
    const chain = new LLMChain({ llm: threeFrom(), prompt })
    await expect(chain.invoke({} as never, { callbacks: [recorded] })).rejects.toMatchObject({
      code: 'missing_variable',
      message: expect.stringContaining('number'),
    })
    expect(recorded.trace()).toEqual(['S LLMChain', 'X LLMChain'])
    expect(chain.inputKeys).toEqual(['number'])
  })

  test("constructor callbacks receive the chain's events only, request callbacks also those below (P7)", async () => {
    const own = recorder()
    const all = recorder()
    await new LLMChain({ llm: threeFrom(), prompt, callbacks: [own], tags: ['mine'] }).run('2', { callbacks: [all] })
    expect(new Set(own.events.map(({ run }) => run.name))).toEqual(new Set(['LLMChain']))
    expect(new Set(all.events.map(({ run }) => run.name))).toEqual(new Set(['LLMChain', 'Llm']))
    expect(own.events[0]?.run.tags).toEqual(['mine'])
  })

  test.each(['verbose', 'the console handler'])("%s prints LangChain's transcript", async (option) => {
    const lines: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...parts: string[]) => void lines.push(parts.join('')))
    const options = option === 'verbose' ? { verbose: true } : { callbacks: [new ConsoleCallbackHandler({ style: 'transcript' })] }
    await new LLMChain({ llm: threeFrom(), prompt, ...options }).run('2')
    log.mockRestore()
    const text = lines.join('\n')
    expect(text).toMatch(/Entering new LLMChain chain\.\.\.[\s\S]*Prompt after formatting:\n1 \+ 2 = [\s\S]*Finished chain\./)
    expect(text).not.toContain('three')
  })

  test('passes stop in the values to a model with bind()', async () => {
    const bind = vi.fn(() => threeFrom())
    const llm = Object.assign(threeFrom(), { bind })
    await new LLMChain({ llm, prompt }).run({ number: 2, stop: ['\n'] })
    expect(bind).toHaveBeenCalledExactlyOnceWith({ stop: ['\n'] })
  })
})
