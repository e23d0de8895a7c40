import { type CallbackMethods, type Handler, lambda, type RunEvent, textOf } from 'chaintap'
import { type AgentExecutor, type ExecutorOptions, initializeAgent } from 'chaintap/agents'
import { recorder, type ScriptedModel, scriptedModel } from 'chaintap/testing'
import { calculator, loadTools, tool } from 'chaintap/tools'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readAll, turn } from '../support/sources.ts'

const actionAnswer = [' I have to work it out.\n', 'Action: Calculator\nAction Input: 2 ^ 0.235']
const finalAnswer = [' I know the answer now.\nFinal', ' Answer: It is', ' 1.1769', '.']
const search = tool((query: string) => `found ${query}`, { name: 'Search', description: 'Finds things.' })

const agentOf = (script: Parameters<typeof scriptedModel>[0], options: ExecutorOptions = {}, llm: ScriptedModel = scriptedModel(script)) =>
  Object.assign(initializeAgent([calculator, search], llm, options), { llm })
const promptsOf = ({ llm }: { readonly llm: ScriptedModel }): readonly string[] =>
  llm.record.inputs.map(([message]) => (message ? textOf(message) : ''))

/** A trace without texts and tokens. */
const shape = (trace: readonly string[]): readonly string[] => trace.filter((line) => !/^(T|TXT|D) /.test(line))

afterEach(() => vi.restoreAllMocks())

describe('a ReAct agent', () => {
  const runAgent = async (options: ExecutorOptions = {}) => {
    const recorded = recorder()
    const agent = agentOf([actionAnswer, finalAnswer], options)
    const output = await agent.invoke({ input: 'What is 2 raised to the 0.235 power?' }, { callbacks: [recorded] })
    recorded.check()
    return { recorded, output, agent }
  }

  test('emits the documented events in their order', async () => {
    const { recorded, output } = await runAgent()
    expect(output).toEqual({ output: 'It is 1.1769.' })
    expect(shape(recorded.trace())).toEqual([
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
    const kinds = recorded.events.flatMap(({ type, run }) => (type === 'start' ? [run.kind] : []))
    expect(kinds).toEqual(['agent', 'chain', 'chat_model', 'tool', 'chain', 'chat_model'])
  })

  test("emits action and finish on the executor's run, with the model's text", async () => {
    const { recorded } = await runAgent()
    const [action, finish] = recorded.events.filter(({ type }) => type === 'action' || type === 'finish')
    expect(action).toMatchObject({
      run: { name: 'AgentExecutor', kind: 'agent' },
      action: { tool: 'Calculator', toolInput: '2 ^ 0.235', log: actionAnswer.join('') },
    })
    expect(finish).toMatchObject({ run: { name: 'AgentExecutor' }, finish: { returnValues: { output: 'It is 1.1769.' } } })
    expect(recorded.events.find(({ run, type }) => run.kind === 'tool' && type === 'start')).toMatchObject({ input: '2 ^ 0.235' })
  })

  test("a request's handler receives all events, the model's handler only the model's (P7)", async () => {
    const names = (events: readonly RunEvent[]): readonly string[] => events.map(({ run, type }) => `${type} ${run.kind}`)
    const [one, two]: [RunEvent[], RunEvent[]] = [[], []]
    const listen =
      (to: RunEvent[]): Handler =>
      (event) =>
        void to.push(event)
    const llm = scriptedModel([actionAnswer, finalAnswer], { streaming: true, callbacks: [listen(two)] })
    await initializeAgent([calculator], llm).run('2 ^ 0.235?', { callbacks: [listen(one)] })
    expect(new Set(names(two).map((name) => name.split(' ')[1]))).toEqual(new Set(['chat_model']))
    const counts = (type: string, kind: string): number => names(one).filter((name) => name === `${type} ${kind}`).length
    expect([counts('start', 'chain'), counts('start', 'chat_model'), counts('start', 'tool')]).toEqual([2, 2, 1])
    expect([counts('action', 'agent'), counts('finish', 'agent'), counts('error', 'agent')]).toEqual([1, 1, 0])
    expect(two.filter(({ type }) => type === 'token').length).toBe(actionAnswer.length + finalAnswer.length)
  })

  test('the prompt contains the tools, the format and, in the second round, the thought and the observation', async () => {
    const { agent } = await runAgent()
    const [first = '', second = ''] = promptsOf(agent)
    expect(first).toMatch(/Calculator: .*\nSearch: Finds things\./)
    expect(first).toMatch(/one of: Calculator, Search/)
    expect(first).toMatch(/Question: What is 2 raised to the 0\.235 power\?\nThought:$/)
    expect(second.slice(first.length)).toMatch(
      /^ I have to work it out\.\nAction: Calculator\nAction Input: 2 \^ 0\.235\nObservation: 1\.1769\d*\nThought:$/,
    )
  })

  test('returnIntermediateSteps adds the steps to the output', async () => {
    const { output } = await runAgent({ returnIntermediateSteps: true })
    expect(output.intermediateSteps).toMatchObject([{ action: { tool: 'Calculator' }, observation: expect.stringMatching(/^1\.1769/) }])
  })
})

describe('stream() of a ReAct agent', () => {
  test('yields only the tokens of the final answer, as they arrive', async () => {
    const run = agentOf([actionAnswer, finalAnswer]).stream('2 ^ 0.235?')
    expect((await readAll(run)).chunks).toEqual(['It is', ' 1.1769', '.'])
    expect(await run.outcome).toMatchObject({ status: 'complete', output: { output: 'It is 1.1769.' } })
  })

  const streamed = async (pieces: readonly string[], options: ExecutorOptions = {}) => {
    const run = agentOf([pieces, finalAnswer], { handleParsingErrors: true, maxIterations: 3, ...options }).stream('x')
    const { chunks, error } = await readAll(run)
    return { chunks, error, outcome: await run.outcome }
  }

  test('trims the answer, and holds white space back until text follows', async () => {
    const pieces = ['I know.\nFin', 'al Answer', ': ', ' The', ' sky', '\n', 'is', ' blue. ', '\n']
    expect((await streamed(pieces)).chunks).toEqual(['The', ' sky', '\nis', ' blue.'])
  })

  test('holds a line back only while it may be a label', async () => {
    const pieces = ['Final Answer: One.', '\n', 'Act', 'ing is two.', '\n- T', 'wo', '\n\nThought', ': hm', ' more']
    expect((await streamed(pieces)).chunks).toEqual(['One.', '\nActing is two.', '\n- Two'])
  })

  test.each([
    ['an imagined observation and answer', ' a\nAction: Search\nAction Input: x\nObservation: 99\nThought: so\nFinal Answer: 99'],
    ['an action and an answer', ' a\nAction: Search\nAction Input: x\nFinal Answer: 99'],
    ['an imagined thought and answer', ' a\n**Action:** Search\n**Action Input:** x\n**Thought:** so\n**Final Answer:** 99'],
    ['an answer that is only thought', '<think>\nFinal Answer: 99\n</think>\nAction: Search\nAction Input: x'],
    ['an answer in a code fence, and an action', ' a\n```\nFinal Answer: 99\n```\nAction: Search\nAction Input: x'],
  ])('yields nothing of %s', async (_, text) => {
    const { chunks, outcome } = await streamed(text.split(''))
    expect(chunks.join('')).toBe('It is 1.1769.')
    expect(outcome).toMatchObject({ output: { output: 'It is 1.1769.' } })
  })

  test('yields the output and nothing else, wherever the text is split', async () => {
    const line = fc.constantFrom(
      'Thought: hm',
      'Action: Search\nAction Input: bears',
      'Action: None\nAction Input: None',
      'Action: call',
      'Action Input: x',
      'Observation: z',
      'Question: why?',
      'Final Answer: 42',
      '**Final Answer:** 43',
      '**Final Answer: 44**',
      'final answer: 45',
      '<think>',
      '</think>',
      '<think>Final Answer: 46</think>',
      '```',
      '```yaml',
      'Acting',
      'Final thoughts',
      '- **bears**',
      'Observ',
      ' ',
    )
    const piece = fc.oneof(
      line,
      line.map((text) => `\n${text}`),
      fc.constantFrom('\n', '\n\n', ' ', 'bears', ' Final Answer: 47', ' 4.', '*'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 10 }), fc.array(fc.nat(200), { maxLength: 6 }), async (parts, cuts) => {
        const text = `I know.\nFinal Answer: ${parts.join('')}`.slice(parts.length % 2 === 0 ? 0 : 22)
        const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
        const { chunks, error, outcome } = await streamed(at.slice(1).map((end, i) => text.slice(at[i], end)))
        const output = await agentOf([[text], finalAnswer], { handleParsingErrors: true, maxIterations: 3 }).run('x')
        if (error === undefined) {
          expect(chunks.join('')).toBe(output)
          expect(outcome).toMatchObject({ output: { output } })
        } else {
          expect(error).toMatchObject({ code: 'agent_format', message: expect.stringContaining('ended its thinking') })
          expect(text).toContain('</think>')
        }
      }),
      { numRuns: 500 },
    )
  })

  test('rejects if the answer that it streamed was only thought; invoke() resolves to the answer', async () => {
    const pieces = ['I would say\nFinal Answer: 41', ' or so', '\n</think>\n', 'Final Answer: 42']
    const { chunks, error } = await streamed(pieces)
    expect(chunks).toEqual(['41', ' or so'])
    expect(error).toMatchObject({ code: 'agent_format', message: expect.stringMatching(/"41 or so".*reasoning parser/) })
    expect(await agentOf([pieces]).run('x')).toBe('42')
    expect((await streamed(['Final Answer: 4', '\n</think>\n', 'Final Answer: 42'])).chunks).toEqual(['4', '2'])
  })

  test('keeps the partial answer if stopped, and every run ends', async () => {
    const recorded = recorder()
    const run = agentOf([actionAnswer, { tokens: finalAnswer, error: new Error('never') }]).stream('x', { callbacks: [recorded] })
    for await (const _ of run) break
    recorded.check()
    expect(recorded.open).toEqual([])
    expect(await run.outcome).toMatchObject({ status: 'aborted', partial: { output: 'It is' } })
  })

  test('aborts the signal of a running tool', async () => {
    let signal: AbortSignal | undefined
    const slow = tool((_: string, context) => new Promise<string>(() => (signal = context.signal)), {
      name: 'Calculator',
      description: 'x',
    })
    const recorded = recorder()
    const run = initializeAgent([slow], scriptedModel([actionAnswer])).stream('x', { callbacks: [recorded] })
    const reading = readAll(run)
    while (!signal) await turn()
    run.stop()
    await reading
    expect(signal.aborted).toBe(true)
    recorded.check()
    expect(recorded.open).toEqual([])
  })
})

describe('failures of a ReAct agent', () => {
  test('a model that breaks the format rejects with agent_format and a remedy', async () => {
    const recorded = recorder()
    await expect(agentOf(['Just 42.']).invoke('x', { callbacks: [recorded] })).rejects.toMatchObject({
      code: 'agent_format',
      message: expect.stringMatching(/"Action:" after "Thought:".*Just 42\..*handleParsingErrors: true/),
    })
    recorded.check()
    expect(recorded.trace().at(-1)).toBe('X AgentExecutor')
  })

  test.each([
    ['true', true, /"Action:" after "Thought:" is missing/],
    ['a string', 'Keep to the format!', /Keep to the format!/],
    ['a function', (problem: string) => `Oh: ${problem}`, /Oh: Invalid format/],
  ] as const)(
    'handleParsingErrors, %s: the feedback is sent to the model in the run of a pseudo tool',
    async (_, handleParsingErrors, words) => {
      const recorded = recorder()
      const agent = agentOf([[' Just 42.'], finalAnswer], { handleParsingErrors })
      expect(await agent.run('x', { callbacks: [recorded] })).toBe('It is 1.1769.')
      expect(shape(recorded.trace())).toEqual(expect.arrayContaining(['A _Exception', 'S _Exception<AgentExecutor', 'E _Exception']))
      expect(promptsOf(agent)[1]).toMatch(new RegExp(`Thought: Just 42\\.\nObservation: .*${words.source}.*\nThought:$`))
    },
  )

  test('an unknown tool is answered with the names of the known ones, in a run of its own', async () => {
    const recorded = recorder()
    const agent = agentOf([' Hm.\nAction: Google\nAction Input: bears', finalAnswer])
    await agent.run('x', { callbacks: [recorded] })
    expect(shape(recorded.trace())).toEqual(expect.arrayContaining(['A Google', 'S invalid_tool<AgentExecutor', 'E invalid_tool']))
    expect(promptsOf(agent)[1]).toMatch(/Observation: .*"Google".*Calculator, Search/)
  })

  test('a tool that fails emits an error, which becomes the observation', async () => {
    const recorded = recorder()
    const agent = agentOf([' Hm.\nAction: Calculator\nAction Input: 1 / 0', finalAnswer])
    expect(await agent.run('x', { callbacks: [recorded] })).toBe('It is 1.1769.')
    recorded.check()
    expect(shape(recorded.trace())).toContain('X Calculator')
    expect(promptsOf(agent)[1]).toMatch(/Observation: .*zero/i)
    await expect(agentOf([' Hm.\nAction: Calculator\nAction Input: 1 / 0'], { handleToolErrors: false }).run('x')).rejects.toThrow(/zero/i)
  })

  test('an observation that the model invents is removed', async () => {
    const agent = agentOf([' Hm.\nAction: Search\nAction Input: bears\nObservation: made up\nThought: fine\nFinal Answer: no', finalAnswer])
    await agent.run('x')
    expect(promptsOf(agent)[1]).toMatch(/Action Input: bears\nObservation: found bears\nThought:$/)
  })

  test('the prompt contains no thinking, and nothing after the first action', async () => {
    const text = '<think>Hm?</think> Hm.\nAction: Search\nAction Input: bears\nAction: Search\nAction Input: cats'
    const agent = agentOf([text, finalAnswer])
    await agent.run('x')
    expect(promptsOf(agent)[1]).toMatch(/Thought: Hm\.\nAction: Search\nAction Input: bears\nObservation: found bears\nThought:$/)
  })

  test('`Action: None` is refused, and the model decides again', async () => {
    for (const text of [' a\nAction: None\nAction Input: None', ' a\nAction: None (I know it)']) {
      expect(await agentOf([text, finalAnswer]).run('x')).toBe('It is 1.1769.')
    }
  })

  test('binds stop sequences to the model', async () => {
    const bind = vi.fn(() => scriptedModel([finalAnswer]))
    await initializeAgent([search], Object.assign(scriptedModel([finalAnswer]), { bind })).run('x')
    expect(bind).toHaveBeenCalledExactlyOnceWith({ stop: ['\nObservation:', '\n\tObservation:'] })
  })

  test("a model's error rejects the run; errors are emitted children first", async () => {
    const recorded = recorder()
    await expect(agentOf([actionAnswer, new Error('overloaded')]).run('x', { callbacks: [recorded] })).rejects.toThrow('overloaded')
    recorded.check()
    expect(shape(recorded.trace()).slice(-3)).toEqual(['X ScriptedModel', 'X LLMChain', 'X AgentExecutor'])
  })
})

describe('limits of an agent', () => {
  const finished = async (agent: AgentExecutor & { llm: ScriptedModel }) => {
    const recorded = recorder()
    const output = await agent.run('x', { callbacks: [recorded] })
    recorded.check()
    expect(recorded.events.filter(({ type }) => type === 'finish')).toHaveLength(1)
    return { output, calls: agent.llm.record.inputs.length }
  }

  test('maxIterations ends with a fixed text and a finish event', async () => {
    expect(await finished(agentOf([actionAnswer], { maxIterations: 2 }))).toEqual({ output: expect.stringContaining('limit'), calls: 2 })
    expect(await finished(agentOf([actionAnswer]))).toMatchObject({ calls: 15 })
  })

  test.each(['force', 'generate'] as const)(
    'maxIterations: 0 returns the fixed text without a model call (%s)',
    async (earlyStoppingMethod) => {
      const agent = agentOf([actionAnswer], { maxIterations: 0, earlyStoppingMethod })
      expect(await finished(agent)).toEqual({ output: expect.stringContaining('limit'), calls: 0 })
    },
  )

  test("earlyStoppingMethod: 'generate' calls the model once more for its answer", async () => {
    const agent = agentOf([actionAnswer, [' About', ' 1.2']], { maxIterations: 1, earlyStoppingMethod: 'generate' })
    expect(await finished(agent)).toEqual({ output: 'About 1.2', calls: 2 })
    expect(promptsOf(agent)[1]).toMatch(/Final Answer:$/)
    const repeated = agentOf([actionAnswer, [' <think>Hm</think>', ' Final', ' Answer: 1', '.2']], {
      maxIterations: 1,
      earlyStoppingMethod: 'generate',
    }).stream('x')
    expect((await readAll(repeated)).chunks).toEqual(['1', '.2'])
  })

  test('no step starts after maxExecutionTime', async () => {
    const agent = agentOf([actionAnswer], { maxExecutionTime: 0 })
    expect(await finished(agent)).toMatchObject({ calls: 0 })
    expect(() => agentOf([actionAnswer], { maxIterations: Number.NaN })).toThrow(/maxIterations/)
  })
})

describe('tools of an agent', () => {
  test("returnDirect makes the tool's output the answer", async () => {
    const direct = tool((query: string) => `about ${query}`, { name: 'Search', description: 'x', returnDirect: true })
    const recorded = recorder()
    const agent = initializeAgent([direct], scriptedModel([' Hm.\nAction: Search\nAction Input: bears']))
    expect(await agent.run('x', { callbacks: [recorded] })).toBe('about bears')
    expect(recorded.events.find(({ type }) => type === 'finish')).toMatchObject({
      finish: { returnValues: { output: 'about bears' }, log: '' },
    })
  })

  test('llm-math calls the model in a run below the tool', async () => {
    const llm = scriptedModel([[' Hm.\nAction: Calculator\nAction Input: two plus two'], '```text\n2 + 2\n```', [' Ok.\nFinal Answer: 4']])
    const recorded = recorder()
    expect(await initializeAgent(loadTools(['llm-math'], { llm }), llm).run('two plus two?', { callbacks: [recorded] })).toBe('4')
    recorded.check()
    expect(shape(recorded.trace())).toEqual(
      expect.arrayContaining([
        'S Calculator<AgentExecutor',
        'S LLMMathChain<Calculator',
        'S LLMChain<LLMMathChain',
        'S ScriptedModel<LLMChain',
      ]),
    )
  })

  test('callback methods receive actions, finish, tools, texts and chains', async () => {
    const lines: string[] = []
    const handler: CallbackMethods = {
      onAgentAction: ({ tool }) => void lines.push(`action ${tool}`),
      onAgentFinish: ({ returnValues }) => void lines.push(`finish ${String(returnValues.output)}`),
      onToolStart: (input) => void lines.push(`tool ${String(input)}`),
      onToolEnd: () => void lines.push('tool end'),
      onText: (text) => void lines.push(text.split('\n')[0] ?? ''),
      onChainStart: (_, { run }) => void lines.push(`chain ${run.name}`),
    }
    await agentOf([actionAnswer, finalAnswer]).run('x', { callbacks: [handler] })
    expect(lines).toEqual([
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

  test("verbose prints LangChain's transcript: thoughts, observations, the answer", async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((...parts: string[]) => void lines.push(parts.join('')))
    await agentOf([actionAnswer, finalAnswer], { verbose: true }).run('x')
    const text = lines.join('\n')
    expect(text).toMatch(
      /Entering new AgentExecutor chain[\s\S]*I have to work it out[\s\S]*Observation:.*1\.1769[\s\S]*Thought:[\s\S]*Final Answer[\s\S]*Finished chain/,
    )
    expect(text).not.toContain('LLMChain')
  })

  test('an agent called in a lambda is a child run', async () => {
    const recorded = recorder()
    const agent = agentOf([actionAnswer, finalAnswer])
    const chain = lambda((question: string, context) => agent.run(question, context), { name: 'Outer' })
    expect(await chain.invoke('x', { callbacks: [recorded] })).toBe('It is 1.1769.')
    recorded.check()
    expect(recorded.trace()[1]).toBe('S AgentExecutor<Outer')
  })

  test('initializeAgent() throws for an unknown type and for no tools', () => {
    expect(() => initializeAgent([search], scriptedModel([]), { agentType: 'bear' as never })).toThrow(/"bear".*zero-shot/)
    expect(() => initializeAgent([], scriptedModel([]))).toThrow(/at least one tool/)
  })
})
