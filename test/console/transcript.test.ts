import { type Run, type RunEvent, UserStop } from 'chaintap'
import { describe, expect, it } from 'vitest'
import { ConsoleCallbackHandler, type ConsoleOptions } from '../../src/console/index.ts'
import { verboseCallbacks } from '../../src/console/verbose.ts'

type Payload = Omit<RunEvent, 'run' | 'seq' | 'at'> & Record<string, unknown>

const agent: Run = { id: 'a', parentId: undefined, rootId: 'a', name: 'AgentExecutor', kind: 'agent', tags: [], metadata: {} }
const calculator: Run = { ...agent, id: 't', parentId: 'a', name: 'Calculator', kind: 'tool' }
const model: Run = { ...agent, id: 'm', parentId: 'a', name: 'OpenAI', kind: 'llm' }
const event = (run: Run, payload: Payload): RunEvent => ({ run, at: 0, seq: 0, ...payload }) as unknown as RunEvent

/** The transcript of these events. */
function transcript(events: readonly RunEvent[], options: ConsoleOptions = {}): string {
  const lines: string[] = []
  const handler = new ConsoleCallbackHandler({ style: 'transcript', ...options, write: (...line) => void lines.push(line.join('|')) })
  for (const each of events) handler.onEvent(each)
  return lines.join('\n')
}

const action = (log: string): RunEvent => event(agent, { type: 'action', action: { tool: 'Calculator', toolInput: '2^0.235', log } })
const observation = [event(calculator, { type: 'start', input: '2^0.235' }), event(calculator, { type: 'end', output: 'Answer: 1.18' })]

const agentRun = [
  event(agent, { type: 'start', input: 'What is 2 raised to the 0.235 power?' }),
  action(' I need a calculator.\nAction: Calculator\nAction Input: 2^0.235'),
  ...observation,
  event(agent, { type: 'finish', finish: { returnValues: { output: '1.18' }, log: ' I know it.\nFinal Answer: 1.18' } }),
  event(agent, { type: 'end', output: { output: '1.18' } }),
]

describe('the style "transcript"', () => {
  it("prints a ReAct agent like LangChain's StdOutCallbackHandler", () => {
    expect(transcript(agentRun)).toBe(`

> Entering new AgentExecutor chain...
 I need a calculator.
Action: Calculator
Action Input: 2^0.235
Observation: Answer: 1.18
Thought: I know it.
Final Answer: 1.18

> Finished chain.`)
  })

  it("uses LangChain's colours: bold banners, green logs, one colour per tool", () => {
    // In a browser, color: true means CSS.
    const text = transcript(agentRun, { color: true })
    if ('document' in globalThis) {
      expect(text).toContain('%c%s%c%s||\n\n|font-weight: bold|> Entering new AgentExecutor chain...')
      expect(text).toContain('%c%s%c%s||Observation: |color: #db2777|Answer: 1.18')
    } else {
      expect(text).toContain('\n\n\x1b[1m> Entering new AgentExecutor chain...\x1b[0m')
      expect(text).toContain('\x1b[32;1m\x1b[1;3m I need a calculator.\nAction: Calculator\nAction Input: 2^0.235\x1b[0m')
      expect(text).toContain('Observation: \x1b[38;5;200m\x1b[1;3mAnswer: 1.18\x1b[0m')
    }
  })

  it('labels as a thought only the text after an observation', () => {
    const log = 'Action: Calculator'
    expect(transcript([action(log), ...observation, action(log), action(log)])).toBe(
      `${log}\nObservation: Answer: 1.18\nThought:${log}\n${log}`,
    )
  })

  it('prints no labels for agents that are not ReAct, nor outside an agent', () => {
    expect(transcript([event(agent, { type: 'start', input: '' }), action('Calling Calculator'), ...observation, action('again')])).toBe(
      '\n\n> Entering new AgentExecutor chain...\nCalling Calculator\nAnswer: 1.18\nagain',
    )
    expect(transcript(observation)).toBe('Answer: 1.18')
  })

  it('prints texts and retries, and nothing for models, prompts, parsers and retrievers', () => {
    const quiet = (['llm', 'chat_model', 'prompt', 'parser', 'retriever'] as const).flatMap((kind) => [
      event({ ...model, kind }, { type: 'start', input: 'x' }),
      event({ ...model, kind }, { type: 'end', output: 'x' }),
    ])
    const chain: Run = { ...agent, kind: 'chain', name: 'LLMChain' }
    expect(
      transcript([
        event(chain, { type: 'start', input: 'x' }),
        event(chain, { type: 'text', text: 'Prompt after formatting:\nHello' }),
        ...quiet,
        event(chain, { type: 'retry', attempt: 2, error: new TypeError('gone') }),
        event(chain, { type: 'end', output: 'x' }),
      ]),
    ).toBe(
      '\n\n> Entering new LLMChain chain...\nPrompt after formatting:\nHello\nRetrying LLMChain (2): TypeError: gone\n\n> Finished chain.',
    )
  })

  it('prints an error once, at the run where it occurred, with its causes', () => {
    const error = new Error('no answer', { cause: new TypeError('fetch failed') })
    const failed = (run: Run, thrown: unknown) => event(run, { type: 'error', error: thrown, partial: undefined })
    const start = [event(agent, { type: 'start', input: '' }), event(model, { type: 'start', input: '' })]
    expect(transcript([...start, failed(model, error), failed(agent, error)])).toBe(
      '\n\n> Entering new AgentExecutor chain...\nOpenAI failed: Error: no answer\n  caused by TypeError: fetch failed',
    )
    expect(transcript([...start, failed(model, undefined), failed(agent, 'other')])).toMatch(
      /OpenAI failed: \nAgentExecutor failed: other$/,
    )
    expect(transcript([failed(agent, new UserStop())])).toBe('AgentExecutor stopped: UserStop: Stopped by the user. (user_stop)')
  })

  it('prints the text of models with `tokens: true`: streamed text in whole lines, other text at the end', () => {
    const tokens = ['Ro', 'ses\nare ', 'red'].map((token) => event(model, { type: 'token', token }))
    const end = event(model, { type: 'end', output: 'Roses\nare red' })
    expect(transcript([...tokens, end], { tokens: true })).toBe('Roses\nare red')
    expect(transcript([end], { tokens: true })).toBe('Roses\nare red')
    expect(transcript([...tokens, event(model, { type: 'error', error: 'cut', partial: '' })], { tokens: true })).toBe(
      'Roses\nare red\nOpenAI failed: cut',
    )
  })
})

describe('verboseCallbacks', () => {
  it('are one console transcript', () => {
    expect(verboseCallbacks).toMatchObject([{ name: 'ConsoleCallbackHandler' }])
  })
})
