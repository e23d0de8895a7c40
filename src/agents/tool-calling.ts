import type { LanguageModel } from '../chains/llm-chain.ts'
import type { Delta } from '../core/delta.ts'
import { ChaintapError } from '../core/errors.ts'
import { type AssistantMessage, type Message, textOf } from '../core/message.ts'
import { readOutput, startChild } from '../core/run/start.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { answerWithoutThinking } from '../parsers/thinking.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Agent, Plan } from './agent.ts'

type AnyChatModel = Runnable<readonly Message[], AssistantMessage, Delta>

/**
 * An agent that uses a chat model's tool calls (LangChain's tool-calling agent): several per answer, with JSON arguments. The final answer
 * is yielded in one piece, because only a complete answer is known to contain no calls; its tokens are events of the model before that.
 *
 * @throws ChaintapError `invalid_options` for a model without `bind()`.
 *
 * @example
 * const executor = new AgentExecutor({ agent: toolCallingAgent(model, [calculator]), tools: [calculator] })
 */
export function toolCallingAgent(llm: LanguageModel, tools: readonly AnyTool[]): Agent {
  if (!canBind(llm)) {
    throw new ChaintapError(
      'invalid_options',
      `${llm.name} does not support tools. Use a chat model with bind(), or agentType: 'zero-shot-react-description'.`,
    )
  }
  const [modelWithTools, modelForFinalAnswer] = [llm.bind({ tools }), llm.bind({ tools, toolChoice: 'none' })]
  return {
    start(input) {
      const messages: Message[] = [{ role: 'user', content: input }]
      return {
        async *next(run, isLast): AsyncGenerator<string, Plan> {
          const answer = withoutTaggedThinking(
            (await readOutput(await startChild(isLast ? modelForFinalAnswer : modelWithTools, [...messages], run))) as AssistantMessage,
          )
          messages.push(answer)
          const { toolCalls = [] } = answer
          const log = textOf(answer)
          if (toolCalls.length > 0 && !isLast) return { calls: toolCalls, log }
          yield log
          return { finish: { returnValues: { output: log }, log } }
        },
        observe(answers) {
          messages.push(...answers)
        },
      }
    },
  }
}

/** The answer without thinking that the server left in its text. It is not sent back. */
function withoutTaggedThinking(answer: AssistantMessage): AssistantMessage {
  const { content } = answer
  if (typeof content === 'string') return { ...answer, content: answerWithoutThinking(content) }
  return {
    ...answer,
    content: content.map((part) => (part.type === 'text' ? { ...part, text: answerWithoutThinking(part.text) } : part)),
  }
}

const canBind = (llm: LanguageModel): llm is AnyChatModel & { bind(options: object): AnyChatModel } =>
  llm.kind === 'chat_model' && 'bind' in llm
