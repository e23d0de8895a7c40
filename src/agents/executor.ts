import { lazyConsoleHandler } from '../console/lazy.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunContext, RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { fromIterator } from '../core/flow/source.ts'
import type { RunOptions } from '../core/options.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Agent } from './agent.ts'
import { AgentLoop } from './loop.ts'
import type { AgentOutput, ExecutorOptions } from './options.ts'

/**
 * Runs an agent (LangChain's AgentExecutor): its model decides, its tools act, until there is an answer. `stream` yields the tokens of the
 * final answer alone; decisions and tools are events (`action`, `finish`, the runs of the tools).
 *
 * @throws ChaintapError `agent_format` in a run where the model breaks the format and `handleParsingErrors` is off.
 *
 * @example
 * const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm, { agentType: 'zero-shot-react-description' })
 * for await (const token of agent.stream('What is 2 raised to the 0.235 power?')) write(token)
 */
export class AgentExecutor extends Runnable<string | { readonly input: string }, AgentOutput, string> {
  readonly name = 'AgentExecutor'
  readonly kind: RunKind = 'agent'
  readonly agent: Agent
  readonly tools: readonly AnyTool[]
  readonly options: ExecutorOptions

  constructor({ agent, tools, ...options }: ExecutorOptions & { readonly agent: Agent; readonly tools: readonly AnyTool[] }) {
    super(options)
    const { maxIterations = 15 } = options
    if (!(maxIterations >= 0)) throw new ChaintapError('invalid_options', `maxIterations must be 0, 1, 2 …, but is ${maxIterations}.`)
    this.agent = agent
    this.tools = tools
    this.options = options
    if (options.verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /** The output alone. */
  async run(input: string | { readonly input: string }, options?: RunOptions | RunContext): Promise<string> {
    return (await this.invoke(input, options)).output
  }

  /** `invoke`, by LangChain's older name. */
  call(input: string | { readonly input: string }, options?: RunOptions | RunContext): Promise<AgentOutput> {
    return this.invoke(input, options)
  }

  override async open(input: string | { readonly input: string }, run: RunHandle): Promise<Flow<string>> {
    const work = new AgentLoop(
      this.agent.start(typeof input === 'string' ? input : input.input),
      await withVerboseCallbacks(this),
      this.options,
      run,
    )
    return new Flow<string>(fromIterator(work.tokens()), () => work.fold()).through<string>({
      transform(token, controller) {
        if (token !== '') controller.enqueue(token)
      },
    })
  }
}

/** The tools, with the printer of a verbose agent among their own callbacks: what they give is a part of its transcript. */
async function withVerboseCallbacks({ tools, options: { verbose } }: AgentExecutor): Promise<readonly AnyTool[]> {
  if (!verbose) return tools
  const printers = await lazyConsoleHandler()
  return tools.map((tool) => Object.assign(tool.withConfig({}), { callbacks: [...(tool.callbacks ?? []), ...printers] }))
}
