import type { Delta } from 'chaintap'
import { type ExecutorOptions, initializeAgent } from 'chaintap/agents'
import { recorder, type ScriptedModel, scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'
import { readAll, Talker, turn } from '../support/sources.ts'

const jsonSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } as const
const weather = tool(({ city }: { city: string }) => ({ city, degrees: 18 }), { name: 'weather', description: 'The weather.', jsonSchema })
const time = tool((zone: string) => `noon in ${zone}`, { name: 'time', description: 'The time.' })

const call = (index: number, name: string, args: unknown): readonly Delta[] => [
  { type: 'tool-call', index, id: `call_${index}`, name },
  { type: 'tool-call', index, args: JSON.stringify(args) },
]
const callsAnswer: readonly (string | Delta)[] = [
  'Let me see.',
  ...call(0, 'weather', { city: 'Paris' }),
  ...call(1, 'time', { input: 'CET' }),
]
function fail(): never {
  throw new Error('no text')
}
const finalAnswer = ['It is ', '18 °C', ' at noon.']
const agentOf = (llm: ScriptedModel, options: ExecutorOptions = {}) =>
  initializeAgent([weather, time], llm, { agentType: 'tool-calling', ...options })

describe('a tool-calling agent', () => {
  test('runs the calls of an answer concurrently and sends the results to the model', async () => {
    const llm = scriptedModel([callsAnswer, finalAnswer])
    const recorded = recorder()
    expect(await agentOf(llm).run('How is Paris?', { callbacks: [recorded] })).toBe('It is 18 °C at noon.')
    recorded.check()
    // Tools end in the order in which they finish.
    const trace = recorded.trace().map((line) => line.replace(/^E (weather|time)$/, 'E tool'))
    expect(trace.filter((line) => !/^[TD] /.test(line))).toEqual([
      'S AgentExecutor',
      'S ScriptedModel<AgentExecutor',
      'E ScriptedModel',
      'A weather',
      'A time',
      'S weather<AgentExecutor',
      'S time<AgentExecutor',
      'E tool',
      'E tool',
      'S ScriptedModel<AgentExecutor',
      'E ScriptedModel',
      'F',
      'E AgentExecutor',
    ])
    expect(llm.record.inputs[1]).toEqual([
      { role: 'user', content: 'How is Paris?' },
      {
        role: 'assistant',
        content: 'Let me see.',
        toolCalls: [
          { id: 'call_0', name: 'weather', args: { city: 'Paris' } },
          { id: 'call_1', name: 'time', args: { input: 'CET' } },
        ],
      },
      { role: 'tool', content: '{"city":"Paris","degrees":18}', toolCallId: 'call_0' },
      { role: 'tool', content: 'noon in CET', toolCallId: 'call_1' },
    ])
    expect(llm.record.options).toEqual([{ tools: [weather, time] }, { tools: [weather, time] }])
  })

  test('stream() yields only the final answer, not the text before a call', async () => {
    const run = agentOf(scriptedModel([callsAnswer, finalAnswer])).stream('How is Paris?')
    expect((await readAll(run)).chunks.join('')).toBe('It is 18 °C at noon.')
    expect(await run.outcome).toMatchObject({ output: { output: 'It is 18 °C at noon.' } })
  })

  test('answers invalid arguments and unknown tools with messages marked isError', async () => {
    const llm = scriptedModel([[...call(0, 'weather', { town: 'Paris' }), ...call(1, 'google', {})], finalAnswer])
    const recorded = recorder()
    const agent = agentOf(llm, { returnIntermediateSteps: true })
    const { intermediateSteps } = await agent.invoke('x', { callbacks: [recorded] })
    recorded.check()
    expect(llm.record.inputs[1]?.slice(2)).toMatchObject([
      { role: 'tool', isError: true, toolCallId: 'call_0', content: expect.stringContaining('city') },
      { role: 'tool', isError: true, toolCallId: 'call_1', content: expect.stringContaining('weather, time') },
    ])
    expect(intermediateSteps?.map(({ action }) => action.tool)).toEqual(['weather', 'google'])
    await expect(agentOf(llm, { handleToolErrors: false }).run('x')).resolves.toBe('It is 18 °C at noon.')
  })

  test('handleToolErrors: false rejects with the error of a tool and stops the others', async () => {
    let aborted = false
    const slow = tool(
      (_: string, { signal }) =>
        new Promise<string>(() => {
          signal.addEventListener('abort', () => {
            aborted = true
          })
        }),
      { name: 'time', description: 'x' },
    )
    const llm = scriptedModel([[...call(0, 'weather', {}), ...call(1, 'time', { input: 'x' })]])
    const agent = initializeAgent([weather, slow], llm, { agentType: 'tool-calling', handleToolErrors: false })
    await expect(agent.run('x')).rejects.toMatchObject({ code: 'invalid_arguments' })
    expect(aborted).toBe(true)
  })

  test('maxConcurrency limits the calls that run at once', async () => {
    let [open, most] = [0, 0]
    const counting = tool(
      async () => {
        most = Math.max(most, ++open)
        await turn(1)
        open--
        return 'ok'
      },
      { name: 'time', description: 'x' },
    )
    const calls = Array.from({ length: 6 }, (_, index) => call(index, 'time', { input: 'x' })).flat()
    for (const [options, limit] of [
      [{ maxConcurrency: 2 }, 2],
      [{}, 6],
    ] as const) {
      ;[open, most] = [0, 0]
      await initializeAgent([counting], scriptedModel([calls, finalAnswer]), { agentType: 'tool-calling', ...options }).run('x')
      expect(most).toBe(limit)
    }
  })

  test("earlyStoppingMethod: 'generate' calls the model without tools at the limit", async () => {
    const llm = scriptedModel([callsAnswer, finalAnswer])
    const agent = agentOf(llm, { maxIterations: 1, earlyStoppingMethod: 'generate' })
    expect(await agent.run('x')).toBe('It is 18 °C at noon.')
    expect(llm.record.options[1]).toMatchObject({ toolChoice: 'none' })
  })

  test.each<readonly [string, readonly (string | Delta)[]]>([
    ['calls', call(0, 'time', { input: 'x' })],
    ['thinking', ['<think>secret</think>']],
    ['nothing', ['']],
  ])("earlyStoppingMethod: 'generate' has the fixed text as its answer if the model answers at the limit with only %s", async (_, last) => {
    const run = agentOf(scriptedModel([callsAnswer, last]), { maxIterations: 1, earlyStoppingMethod: 'generate' }).stream('x')
    expect((await readAll(run)).chunks.join('')).toMatch(/^Stopped at the limit/)
    expect(await run.outcome).toMatchObject({ output: { output: expect.stringMatching(/^Stopped at the limit/) } })
  })

  test.each([
    ['<think>secret</think>The answer', 'The answer'],
    ['secret</think>\n\nThe answer', 'The answer'],
    ['<thinking>\nsecret\n</thinking>\n\nThe answer', 'The answer'],
    ['[THINK]secret[/THINK]The answer', 'The answer'],
    ['The answer\n<think>secret', 'The answer'],
    ['<think>a</think> <think>b</think>The answer', 'The answer'],
    ['<think>secret', ''],
    ['Models write `<think>` before they answer.', 'Models write `<think>` before they answer.'],
    ['The tag </think>` is "</think>".', '` is "</think>".'],
    [' The answer\n', ' The answer\n'],
  ])('thinking in the text is not the answer: %j', async (text, expected) => {
    const llm = scriptedModel([
      [text, ...call(0, 'time', { input: 'CET' })],
      [text.slice(0, 4), text.slice(4)],
    ])
    const run = agentOf(llm, { returnIntermediateSteps: true }).stream('x')
    expect((await readAll(run)).chunks.join('')).toBe(expected)
    const outcome = await run.outcome
    expect(outcome).toMatchObject({ output: { output: expected } })
    expect(outcome).toMatchObject({ output: { intermediateSteps: [{ action: { log: expected } }] } })
    expect(llm.record.inputs[1]?.[1]).toMatchObject({ role: 'assistant', content: expected, toolCalls: [{ name: 'time' }] })
  })

  test("returnDirect makes the tool's output the answer", async () => {
    const direct = tool(() => 'noon', { name: 'time', description: 'x', returnDirect: true })
    const agent = initializeAgent([direct], scriptedModel([call(0, 'time', { input: 'x' })]), { agentType: 'tool-calling' })
    expect(await agent.run('x')).toBe('noon')
  })

  test.each<readonly [string, unknown]>([
    ['an object without a prototype', Object.create(null)],
    ['an object whose toString throws', { toString: () => fail() }],
    ['an error whose message throws', Object.defineProperty(new Error('x'), 'message', { get: () => fail() })],
    ['an error whose message is no text', Object.assign(new Error('x'), { message: Object.create(null) })],
    ['a symbol', Symbol('x')],
    ['undefined', undefined],
  ])('sends the model a message if a tool throws %s', async (_, thrown) => {
    const broken = tool(
      () => {
        throw thrown
      },
      { name: 'time', description: 'x' },
    )
    const calling = scriptedModel([call(0, 'time', { input: 'x' }), finalAnswer])
    expect(await initializeAgent([broken], calling, { agentType: 'tool-calling' }).run('x')).toBe('It is 18 °C at noon.')
    expect(calling.record.inputs[1]?.[2]).toMatchObject({ role: 'tool', isError: true, content: expect.any(String) })
    const react = scriptedModel([['Action: time\nAction Input: x'], ['Final Answer: noon']])
    expect(await initializeAgent([broken], react).run('x')).toBe('noon')
    const [output] = await broken.batch(['x'], { returnErrors: true })
    expect(output).toBeInstanceOf(Error)
  })

  test.each<readonly [string, unknown, RegExp]>([
    ['another key', { question: 'q' }, /an object with question/],
    ['messages', [{ role: 'user', content: 'q' }], /an array/],
    ['an input that is no string', { input: 5 }, /input.*a number/],
    ['null', null, /null/],
    ['nothing', undefined, /undefined/],
    ['a number', 5, /a number/],
  ])('refuses %s as its input and says what it requires', async (_, input, received) => {
    const llm = scriptedModel([finalAnswer])
    for (const agent of [agentOf(llm), initializeAgent([time], llm)]) {
      const refusal = { code: 'invalid_input', message: expect.stringMatching(/AgentExecutor requires a string or \{ input: string \}/) }
      await expect(agent.invoke(input as never)).rejects.toMatchObject(refusal)
      await expect(agent.invoke(input as never)).rejects.toThrow(received)
    }
    expect(llm.record.inputs).toEqual([])
  })

  test('throws for a model without bind()', () => {
    expect(() => initializeAgent([time], new Talker([]), { agentType: 'tool-calling' })).toThrow(/Talker does not support tools.*zero-shot/)
  })
})
