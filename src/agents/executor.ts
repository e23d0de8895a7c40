import { lazyConsoleHandler } from '../console/lazy.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunContext, RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { fromIterator } from '../core/flow/source.ts'
import type { RunOptions } from '../core/options.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { describeForError } from '../core/util/describe.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Agent } from './agent.ts'
import { AgentLoop } from './loop.ts'
import type { AgentOutput, ExecutorOptions } from './options.ts'

/**
 * Runs an agent (LangChain's AgentExecutor): the model chooses tools and their results are sent back, until it gives a final answer.
 * `stream` yields only the tokens of the final answer. Decisions and tools are events (`action`, `finish`, the runs of the tools).
 *
 * @throws ChaintapError `invalid_options` at construction if `maxIterations` is negative or NaN. A run rejects with `invalid_input` for
 *   another input than a string or `{ input }`, and with `agent_format` if the model breaks the format and `handleParsingErrors` is off.
 *
 * @example
 * const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm, { agentType: 'zero-shot-react-description' })
 * for await (const token of agent.stream('What is 2 raised to the 0.235 power?')) write(token)
 */
export class AgentExecutor extends Runnable<string | { readonly input: string }, AgentOutput, string> {
  /** The name of its runs in events. */
  readonly name = 'AgentExecutor'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'agent'
  /** Chooses the tools. */
  readonly agent: Agent
  /** The tools that it may use. */
  readonly tools: readonly AnyTool[]
  /** The options as passed to the constructor. */
  readonly options: ExecutorOptions

  constructor({ agent, tools, ...options }: ExecutorOptions & { readonly agent: Agent; readonly tools: readonly AnyTool[] }) {
    super(options)
    const { maxIterations = 15 } = options
    if (!(maxIterations >= 0))
      throw new ChaintapError('invalid_options', `AgentExecutor: maxIterations must be 0 or more, but is ${maxIterations}.`)
    this.agent = agent
    this.tools = tools
    this.options = options
    if (options.verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /** Runs the agent and returns only its final answer. */
  async run(input: string | { readonly input: string }, options?: RunOptions | RunContext): Promise<string> {
    return (await this.invoke(input, options)).output
  }

  /** Same as `invoke`; LangChain's older name. */
  call(input: string | { readonly input: string }, options?: RunOptions | RunContext): Promise<AgentOutput> {
    return this.invoke(input, options)
  }

  override async open(input: string | { readonly input: string }, run: RunHandle): Promise<Flow<string>> {
    const loop = new AgentLoop(this.agent.start(questionOf(input)), await withVerboseCallbacks(this), this.options, run)
    return new Flow<string>(fromIterator(loop.tokens(), this.name), () => loop.fold()).through<string>({
      transform(token, controller) {
        if (token !== '') controller.enqueue(token)
      },
    })
  }
}

function questionOf(input: unknown): string {
  const question: unknown = typeof input === 'string' ? input : Object(input).input
  if (typeof question === 'string') return question
  const received = question === undefined ? describeForError(input) : `an input that is ${describeForError(question)}`
  throw new ChaintapError('invalid_input', `AgentExecutor requires a string or { input: string }, but received ${received}.`)
}

/** The tools. If the agent is verbose, its console handler is added to their callbacks, because tool outputs are part of its transcript. */
async function withVerboseCallbacks({ tools, options: { verbose } }: AgentExecutor): Promise<readonly AnyTool[]> {
  if (!verbose) return tools
  const printers = await lazyConsoleHandler()
  return tools.map((tool) => Object.assign(tool.withConfig({}), { callbacks: [...(tool.callbacks ?? []), ...printers] }))
}
