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
/** Before an observation it would make up; without a blank at the end, for some break the line there. */
const reactStopSequences: readonly string[] = [OBSERVATION_LABEL, '\n\tObservation:']
const FORCED_ANSWER_PROMPT = ' There is no time for another action, so I answer with what I know.\nFinal Answer:'

type ReActPromptValues = TextValues<'input' | 'agent_scratchpad'>

/**
 * Decides by the ReAct format (Yao et al., 2022; LangChain's zero-shot-react-description): the model writes its thoughts, the action and
 * its input as text, and is shown what the tool answered. For every model, also one that knows no tools.
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
          const finder = new FinalAnswerExtractor(isLast)
          const text = yield* streamModelText(chain, { input, agent_scratchpad: scratchpad }, run, finder)
          scratchpad += text
          const plan = isLast ? { finish: { returnValues: { output: text.trim() }, log: text } } : parseReAct(text)
          if ('finish' in plan) yield finder.remaining(String(plan.finish.returnValues.output))
          return 'problem' in plan ? { ...plan, log: text } : plan
        },
        observe(answers) {
          for (const answer of answers) scratchpad += `${OBSERVATION_LABEL} ${textOf(answer)}\nThought:`
        },
      }
    },
  }
}

/** What the model says; the final answer in it is yielded while it comes. */
async function* streamModelText(
  chain: LLMChain<ReActPromptValues>,
  values: ReActPromptValues,
  run: RunHandle,
  finder: FinalAnswerExtractor,
): AsyncGenerator<string, string> {
  const flow = await startChild(chain, { ...values, stop: reactStopSequences }, run)
  let text = ''
  for (let batch = await flow.next(); batch; batch = await flow.next()) {
    const piece = batch.map((chunk) => chunk.text).join('')
    text += piece
    yield finder.add(piece)
  }
  // A server that knows no stop sequences goes on to what only the tool can say.
  const end = text.indexOf(OBSERVATION_LABEL)
  return end === -1 ? text : text.slice(0, end)
}
