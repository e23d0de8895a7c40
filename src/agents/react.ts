import { type LanguageModel, LLMChain } from '../chains/llm-chain.ts'
import { textOf } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { startChild } from '../core/run/start.ts'
import { PromptTemplate } from '../prompts/prompt-template.ts'
import type { TextValues } from '../prompts/values.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Agent, Plan } from './agent.ts'
import { FinalAnswerExtractor, parseReAct } from './react-parser.ts'

const reactPromptTemplate = `Answer the question as well as you can. You can use these tools:

{tools}

Keep to this format:

Question: the question that you have to answer
Thought: what you think should be done next
Action: the tool to use, one of: {tool_names}
Action Input: what to give to the tool
Observation: what the tool answers
(Thought, Action, Action Input and Observation can come several times.)
Thought: I know the answer now.
Final Answer: the answer to the question

Begin!

Question: {input}
Thought:{agent_scratchpad}`

const OBSERVATION_LABEL = '\nObservation:'
/** Stops the model before it invents an observation. Without a trailing space, because some models break the line there. */
const reactStopSequences: readonly string[] = [OBSERVATION_LABEL, '\n\tObservation:']
const FORCED_ANSWER_PROMPT = ' There is no time for another action, so I answer with what I know.\nFinal Answer:'

type ReActPromptValues = TextValues<'input' | 'agent_scratchpad'>

/**
 * An agent that uses the ReAct format (Yao et al., 2022; LangChain's zero-shot-react-description): the model writes its thoughts, an
 * action and the action's input as text, and receives the tool's output. Works with any model, also without support for tools.
 *
 * @example
 * const executor = new AgentExecutor({ agent: reactAgent(llm, [calculator]), tools: [calculator], maxIterations: 5 })
 */
export function reactAgent(llm: LanguageModel, tools: readonly AnyTool[]): Agent {
  const prompt = PromptTemplate.fromTemplate(reactPromptTemplate).partial({
    tools: tools.map(({ name, description }) => `${name}: ${description}`).join('\n'),
    tool_names: tools.map(({ name }) => name).join(', '),
  })
  const chain = new LLMChain<ReActPromptValues>({ llm, prompt })
  return {
    start(input) {
      let scratchpad = ''
      return {
        async *next(run, isLast): AsyncGenerator<string, Plan> {
          if (isLast) scratchpad += FORCED_ANSWER_PROMPT
          const extractor = new FinalAnswerExtractor(isLast)
          const text = yield* streamModelText(chain, { input, agent_scratchpad: scratchpad }, run, extractor)
          scratchpad += text
          const plan = isLast ? { finish: { returnValues: { output: text.trim() }, log: text } } : parseReAct(text)
          if ('finish' in plan) yield extractor.remaining(String(plan.finish.returnValues.output))
          return 'problem' in plan ? { ...plan, log: text } : plan
        },
        observe(answers) {
          for (const answer of answers) scratchpad += `${OBSERVATION_LABEL} ${textOf(answer)}\nThought:`
        },
      }
    },
  }
}

/** Returns the model's text. Yields the final answer in it as it arrives. */
async function* streamModelText(
  chain: LLMChain<ReActPromptValues>,
  values: ReActPromptValues,
  run: RunHandle,
  extractor: FinalAnswerExtractor,
): AsyncGenerator<string, string> {
  const flow = await startChild(chain, { ...values, stop: reactStopSequences }, run)
  let text = ''
  for (let batch = await flow.next(); batch; batch = await flow.next()) {
    const piece = batch.map((chunk) => chunk.text).join('')
    text += piece
    yield extractor.add(piece)
  }
  // Servers without stop sequences continue with an invented observation.
  const end = text.indexOf(OBSERVATION_LABEL)
  return end === -1 ? text : text.slice(0, end)
}
