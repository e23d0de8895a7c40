import { type LanguageModel, LLMChain } from '../chains/llm-chain.ts'
import { textOf } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { startChild } from '../core/run/start.ts'
import { PromptTemplate } from '../prompts/prompt-template.ts'
import type { TextValues } from '../prompts/values.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Agent, Plan } from './agent.ts'
import type { LabelledText } from './react-labels.ts'
import { type Decision, decide } from './react-parser.ts'
import { ReActReader } from './react-reader.ts'

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
          const reader = new ReActReader({ isAnswering: isLast, isLive: run.streaming })
          yield* streamAnswer(chain, { input, agent_scratchpad: scratchpad }, run, reader)
          const labelled = reader.end()
          const plan = isLast ? forcedAnswer(labelled) : decide(labelled)
          yield reader.rest('finish' in plan ? String(plan.finish.returnValues.output) : undefined)
          const log = planLog(plan, labelled)
          scratchpad += log
          return 'problem' in plan ? { ...plan, log } : plan
        },
        observe(answers) {
          for (const answer of answers) scratchpad += `${OBSERVATION_LABEL} ${textOf(answer)}\nThought:`
        },
      }
    },
  }
}

/** Yields the final answer in the model's text as it arrives. */
async function* streamAnswer(
  chain: LLMChain<ReActPromptValues>,
  values: ReActPromptValues,
  run: RunHandle,
  reader: ReActReader,
): AsyncGenerator<string, void> {
  const flow = await startChild(chain, { ...values, stop: reactStopSequences }, run)
  for (let batch = await flow.next(); batch; batch = await flow.next()) {
    yield reader.read(batch.map((chunk) => chunk.text).join(''))
  }
}

/** The answer at a limit, whatever its format. */
function forcedAnswer(labelled: LabelledText): Decision {
  const decision = decide(labelled)
  if ('finish' in decision && decision.finish.returnValues.output !== '') return decision
  return { finish: { returnValues: { output: labelled.text.trim() }, log: labelled.text } }
}

/** The part of the model's text that stays in the prompt: without its thinking, and without what follows its first action. */
function planLog(plan: Decision, { text, labels }: LabelledText): string {
  if ('action' in plan) return plan.action.log
  if ('finish' in plan) return plan.finish.log
  // An observation is invented.
  const end = labels.find(({ name, isWeak }) => name === 'observation' && !isWeak)
  return end ? text.slice(0, end.at).trimEnd() : text
}
