import { type CallbackMethods, type Handler, lambda, type RunEvent, textOf } from 'chaintap'
import { type AgentExecutor, type ExecutorOptions, initializeAgent } from 'chaintap/agents'
import { recorder, type ScriptedModel, scriptedModel } from 'chaintap/testing'
import { calculator, loadTools, tool } from 'chaintap/tools'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readAll, turn } from '../support/sources.ts'

const thinks = [' I have to work it out.\n', 'Action: Calculator\nAction Input: 2 ^ 0.235']
const knows = [' I know the answer now.\nFinal', ' Answer: It is', ' 1.1769', '.']
const search = tool((query: string) => `found ${query}`, { name: 'Search', description: 'Finds things.' })

const agentOf = (script: Parameters<typeof scriptedModel>[0], options: ExecutorOptions = {}, llm: ScriptedModel = scriptedModel(script)) =>
  Object.assign(initializeAgent([calculator, search], llm, options), { llm })
const promptsOf = ({ llm }: { readonly llm: ScriptedModel }): readonly string[] =>
  llm.record.inputs.map(([message]) => (message ? textOf(message) : ''))

/** The events of an agent without its texts and tokens. */
const shape = (trace: readonly string[]): readonly string[] => trace.filter((line) => !/^(T|TXT|D) /.test(line))

afterEach(() => vi.restoreAllMocks())

describe('the events of a ReAct agent', () => {
  const asked = async (options: ExecutorOptions = {}) => {
    const heard = recorder()
    const agent = agentOf([thinks, knows], options)
    const output = await agent.invoke({ input: 'What is 2 raised to the 0.235 power?' }, { callbacks: [heard] })
    heard.check()
    return { heard, output, agent }
  }

  test('are the documented ones, in their order', async () => {
    const { heard, output } = await asked()
    expect(output).toEqual({ output: 'It is 1.1769.' })
    expect(shape(heard.trace())).toEqual([
      'S AgentExecutor',
      'S LLMChain<AgentExecutor',
      'S ScriptedModel<LLMChain',
      'E ScriptedModel',
      'E LLMChain',
      'A Calculator',
      'S Calculator<AgentExecutor',
      'E Calculator',
      'S LLMChain<AgentExecutor',
      'S ScriptedModel<LLMChain',
      'E ScriptedModel',
      'E LLMChain',
      'F',
      'E AgentExecutor',
    ])
    const kinds = heard.events.flatMap(({ type, run }) => (type === 'start' ? [run.kind] : []))
    expect(kinds).toEqual(['agent', 'chain', 'chat_model', 'tool', 'chain', 'chat_model'])
  })

  test('action and finish are on the executor’s run, with what the model said', async () => {
    const { heard } = await asked()
    const [action, finish] = heard.events.filter(({ type }) => type === 'action' || type === 'finish')
    expect(action).toMatchObject({
      run: { name: 'AgentExecutor', kind: 'agent' },
      action: { tool: 'Calculator', toolInput: '2 ^ 0.235', log: thinks.join('') },
    })
    expect(finish).toMatchObject({ run: { name: 'AgentExecutor' }, finish: { returnValues: { output: 'It is 1.1769.' } } })
    expect(heard.events.find(({ run, type }) => run.kind === 'tool' && type === 'start')).toMatchObject({ input: '2 ^ 0.235' })
  })

  test('the request’s handler hears everything, the model’s only the model (P7)', async () => {
    const names = (events: readonly RunEvent[]): readonly string[] => events.map(({ run, type }) => `${type} ${run.kind}`)
    const [one, two]: [RunEvent[], RunEvent[]] = [[], []]
    const listen =
      (to: RunEvent[]): Handler =>
      (event) =>
        void to.push(event)
    const llm = scriptedModel([thinks, knows], { streaming: true, callbacks: [listen(two)] })
    await initializeAgent([calculator], llm).run('2 ^ 0.235?', { callbacks: [listen(one)] })
    expect(new Set(names(two).map((name) => name.split(' ')[1]))).toEqual(new Set(['chat_model']))
    const counts = (type: string, kind: string): number => names(one).filter((name) => name === `${type} ${kind}`).length
    expect([counts('start', 'chain'), counts('start', 'chat_model'), counts('start', 'tool')]).toEqual([2, 2, 1])
    expect([counts('action', 'agent'), counts('finish', 'agent'), counts('error', 'agent')]).toEqual([1, 1, 0])
    expect(two.filter(({ type }) => type === 'token').length).toBe(thinks.length + knows.length)
  })

  test('the prompt has the tools, the format, and in the second round what was thought and observed', async () => {
    const { agent } = await asked()
    const [first = '', second = ''] = promptsOf(agent)
    expect(first).toMatch(/Calculator: .*\nSearch: Finds things\./)
    expect(first).toMatch(/one of: Calculator, Search/)
    expect(first).toMatch(/Question: What is 2 raised to the 0\.235 power\?\nThought:$/)
    expect(second.slice(first.length)).toMatch(
      /^ I have to work it out\.\nAction: Calculator\nAction Input: 2 \^ 0\.235\nObservation: 1\.1769\d*\nThought:$/,
    )
  })

  test('intermediate steps are given where they are asked for', async () => {
    const { output } = await asked({ returnIntermediateSteps: true })
    expect(output.intermediateSteps).toMatchObject([{ action: { tool: 'Calculator' }, observation: expect.stringMatching(/^1\.1769/) }])
  })
})

describe('stream', () => {
  test('yields the tokens of the final answer alone, as they come', async () => {
    const run = agentOf([thinks, knows]).stream('2 ^ 0.235?')
    expect((await readAll(run)).chunks).toEqual(['It is', ' 1.1769', '.'])
    expect(await run.outcome).toMatchObject({ status: 'complete', output: { output: 'It is 1.1769.' } })
  })

  test('stopped in the middle of the answer it keeps what was said, and every run ends', async () => {
    const heard = recorder()
    const run = agentOf([thinks, { tokens: knows, error: new Error('never') }]).stream('x', { callbacks: [heard] })
    for await (const _ of run) break
    heard.check()
    expect(heard.open).toEqual([])
    expect(await run.outcome).toMatchObject({ status: 'aborted', partial: { output: 'It is' } })
  })

  test('an abort reaches a tool that is running', async () => {
    let signal: AbortSignal | undefined
    const slow = tool((_: string, context) => new Promise<string>(() => (signal = context.signal)), {
      name: 'Calculator',
      description: 'x',
    })
    const heard = recorder()
    const run = initializeAgent([slow], scriptedModel([thinks])).stream('x', { callbacks: [heard] })
    const reading = readAll(run)
    while (!signal) await turn()
    run.stop()
    await reading
    expect(signal.aborted).toBe(true)
    heard.check()
    expect(heard.open).toEqual([])
  })
})

describe('what can go wrong', () => {
  test('a model that breaks the format fails the run, with what to do', async () => {
    const heard = recorder()
    await expect(agentOf(['Just 42.']).invoke('x', { callbacks: [heard] })).rejects.toMatchObject({
      code: 'agent_format',
      message: expect.stringMatching(/"Action:" after "Thought:".*Just 42\..*handleParsingErrors: true/),
    })
    heard.check()
    expect(heard.trace().at(-1)).toBe('X AgentExecutor')
  })

  test.each([
    ['true', true, /"Action:" after "Thought:" is missing/],
    ['a text', 'Keep to the format!', /Keep to the format!/],
    ['a function', (problem: string) => `Oh: ${problem}`, /Oh: The format/],
  ] as const)('handleParsingErrors, %s: the model is told, by a pseudo tool that handlers hear', async (_, handleParsingErrors, words) => {
    const heard = recorder()
    const agent = agentOf([[' Just 42.'], knows], { handleParsingErrors })
    expect(await agent.run('x', { callbacks: [heard] })).toBe('It is 1.1769.')
    expect(shape(heard.trace())).toEqual(expect.arrayContaining(['A _Exception', 'S _Exception<AgentExecutor', 'E _Exception']))
    expect(promptsOf(agent)[1]).toMatch(new RegExp(`Thought: Just 42\\.\nObservation: .*${words.source}.*\nThought:$`))
  })

  test('an unknown tool is answered with the names of those that there are, by a run of its own', async () => {
    const heard = recorder()
    const agent = agentOf([' Hm.\nAction: Google\nAction Input: bears', knows])
    await agent.run('x', { callbacks: [heard] })
    expect(shape(heard.trace())).toEqual(expect.arrayContaining(['A Google', 'S invalid_tool<AgentExecutor', 'E invalid_tool']))
    expect(promptsOf(agent)[1]).toMatch(/Observation: .*"Google".*Calculator, Search/)
  })

  test('a tool that fails is an error of its run, and an observation for the model', async () => {
    const heard = recorder()
    const agent = agentOf([' Hm.\nAction: Calculator\nAction Input: 1 / 0', knows])
    expect(await agent.run('x', { callbacks: [heard] })).toBe('It is 1.1769.')
    heard.check()
    expect(shape(heard.trace())).toContain('X Calculator')
    expect(promptsOf(agent)[1]).toMatch(/Observation: .*zero/i)
    await expect(agentOf([' Hm.\nAction: Calculator\nAction Input: 1 / 0'], { handleToolErrors: false }).run('x')).rejects.toThrow(/zero/i)
  })

  test('an observation that the model makes up is cut off', async () => {
    const agent = agentOf([' Hm.\nAction: Search\nAction Input: bears\nObservation: made up\nThought: fine\nFinal Answer: no', knows])
    await agent.run('x')
    expect(promptsOf(agent)[1]).toMatch(/Action Input: bears\nObservation: found bears\nThought:$/)
  })

  test('the model is told where to stop', async () => {
    const bind = vi.fn(() => scriptedModel([knows]))
    await initializeAgent([search], Object.assign(scriptedModel([knows]), { bind })).run('x')
    expect(bind).toHaveBeenCalledExactlyOnceWith({ stop: ['\nObservation:', '\n\tObservation:'] })
  })

  test('a model that fails fails the run, children first', async () => {
    const heard = recorder()
    await expect(agentOf([thinks, new Error('overloaded')]).run('x', { callbacks: [heard] })).rejects.toThrow('overloaded')
    heard.check()
    expect(shape(heard.trace()).slice(-3)).toEqual(['X ScriptedModel', 'X LLMChain', 'X AgentExecutor'])
  })
})

describe('limits', () => {
  const finished = async (agent: AgentExecutor & { llm: ScriptedModel }) => {
    const heard = recorder()
    const output = await agent.run('x', { callbacks: [heard] })
    heard.check()
    expect(heard.events.filter(({ type }) => type === 'finish')).toHaveLength(1)
    return { output, calls: agent.llm.record.inputs.length }
  }

  test('maxIterations ends with a fixed text, and a finish', async () => {
    expect(await finished(agentOf([thinks], { maxIterations: 2 }))).toEqual({ output: expect.stringContaining('limit'), calls: 2 })
    expect(await finished(agentOf([thinks]))).toMatchObject({ calls: 15 })
  })

  test.each(['force', 'generate'] as const)('0 iterations: the fixed text, no model call (%s)', async (earlyStoppingMethod) => {
    const agent = agentOf([thinks], { maxIterations: 0, earlyStoppingMethod })
    expect(await finished(agent)).toEqual({ output: expect.stringContaining('limit'), calls: 0 })
  })

  test('generate asks the model once more, for its answer', async () => {
    const agent = agentOf([thinks, [' About', ' 1.2']], { maxIterations: 1, earlyStoppingMethod: 'generate' })
    expect(await finished(agent)).toEqual({ output: 'About 1.2', calls: 2 })
    expect(promptsOf(agent)[1]).toMatch(/Final Answer:$/)
  })

  test('maxExecutionTime: no step is begun after it', async () => {
    const agent = agentOf([thinks], { maxExecutionTime: 0 })
    expect(await finished(agent)).toMatchObject({ calls: 0 })
    expect(() => agentOf([thinks], { maxIterations: Number.NaN })).toThrow(/maxIterations/)
  })
})

describe('tools of an agent', () => {
  test('returnDirect: what the tool gives is the answer', async () => {
    const direct = tool((query: string) => `about ${query}`, { name: 'Search', description: 'x', returnDirect: true })
    const heard = recorder()
    const agent = initializeAgent([direct], scriptedModel([' Hm.\nAction: Search\nAction Input: bears']))
    expect(await agent.run('x', { callbacks: [heard] })).toBe('about bears')
    expect(heard.events.find(({ type }) => type === 'finish')).toMatchObject({
      finish: { returnValues: { output: 'about bears' }, log: '' },
    })
  })

  test('llm-math asks the model once more, below the tool', async () => {
    const llm = scriptedModel([[' Hm.\nAction: Calculator\nAction Input: two plus two'], '```text\n2 + 2\n```', [' Ok.\nFinal Answer: 4']])
    const heard = recorder()
    expect(await initializeAgent(loadTools(['llm-math'], { llm }), llm).run('two plus two?', { callbacks: [heard] })).toBe('4')
    heard.check()
    expect(shape(heard.trace())).toEqual(
      expect.arrayContaining([
        'S Calculator<AgentExecutor',
        'S LLMMathChain<Calculator',
        'S LLMChain<LLMMathChain',
        'S ScriptedModel<LLMChain',
      ]),
    )
  })

  test('methods of a handler hear them all', async () => {
    const heard: string[] = []
    const handler: CallbackMethods = {
      onAgentAction: ({ tool }) => void heard.push(`action ${tool}`),
      onAgentFinish: ({ returnValues }) => void heard.push(`finish ${String(returnValues.output)}`),
      onToolStart: (input) => void heard.push(`tool ${String(input)}`),
      onToolEnd: () => void heard.push('tool end'),
      onText: (text) => void heard.push(text.split('\n')[0] ?? ''),
      onChainStart: (_, { run }) => void heard.push(`chain ${run.name}`),
    }
    await agentOf([thinks, knows]).run('x', { callbacks: [handler] })
    expect(heard).toEqual([
      'chain AgentExecutor',
      'chain LLMChain',
      'Prompt after formatting:',
      'action Calculator',
      'tool 2 ^ 0.235',
      'tool end',
      'chain LLMChain',
      'Prompt after formatting:',
      'finish It is 1.1769.',
    ])
  })

  test('verbose prints what LangChain prints: thoughts, observations, the answer', async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((...parts: string[]) => void lines.push(parts.join('')))
    await agentOf([thinks, knows], { verbose: true }).run('x')
    const text = lines.join('\n')
    expect(text).toMatch(
      /Entering new AgentExecutor chain[\s\S]*I have to work it out[\s\S]*Observation:.*1\.1769[\s\S]*Thought:[\s\S]*Final Answer[\s\S]*Finished chain/,
    )
    expect(text).not.toContain('LLMChain')
  })

  test('agents nest: one may be called by a lambda, its runs below it', async () => {
    const heard = recorder()
    const agent = agentOf([thinks, knows])
    const chain = lambda((question: string, context) => agent.run(question, context), { name: 'Outer' })
    expect(await chain.invoke('x', { callbacks: [heard] })).toBe('It is 1.1769.')
    heard.check()
    expect(heard.trace()[1]).toBe('S AgentExecutor<Outer')
  })

  test('an unknown type and no tools are clear errors', () => {
    expect(() => initializeAgent([search], scriptedModel([]), { agentType: 'bear' as never })).toThrow(/"bear".*zero-shot/)
    expect(() => initializeAgent([], scriptedModel([]))).toThrow(/at least one tool/)
  })
})
