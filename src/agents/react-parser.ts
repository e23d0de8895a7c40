import type { AgentAction, AgentFinish } from '../core/agent-types.ts'
import { cleanToolInput, cleanToolName, isNoTool, withoutEmphasis, withoutFence } from './react-input.ts'
import { endingLabel, type Label, type LabelledText, withMidLineLabels } from './react-labels.ts'
import { ReActReader } from './react-reader.ts'

/** The result of {@link parseReAct}. */
export type Decision =
  | {
      /** Run this tool. */
      readonly action: AgentAction
    }
  | {
      /** End with this answer. */
      readonly finish: AgentFinish
    }
  | {
      /** The text breaks the format: what is wrong, worded for the model. */
      readonly problem: string
    }

/**
 * Parses a model's text in the ReAct format (LangChain's ReActSingleInputOutputParser, Python version):
 *
 * - `Action: tool` and `Action Input: …` are an action. The first one counts: thoughts, observations and further actions after it are
 *   invented. What wraps the whole input is removed: white space, double quotes, backquotes, a code fence.
 * - `Final Answer: …` is the answer, up to an observation or to where the model continues in the format.
 * - An action directly followed by an answer, or an incomplete action, is a problem. `Action: None` is no action if an answer follows.
 * - Labels stand at the start of a line, in any case, with numbers and marks of Markdown. Labels inside a line or a code fence count if
 *   there are no others.
 * - Thinking that the server left in the text (`<think>`) is not a part of it.
 *
 * @example
 * parseReAct('I have to work it out.\nAction: Calculator\nAction Input: 2 ^ 0.235')
 * // { action: { tool: 'Calculator', toolInput: '2 ^ 0.235', log: … } }
 */
export function parseReAct(text: string): Decision {
  const reader = new ReActReader()
  reader.read(text)
  return decide(reader.end())
}

/** Decides what the model wants. */
export function decide({ text, labels }: LabelledText): Decision {
  const strong = decideBy(
    text,
    labels.filter(({ isWeak }) => !isWeak),
  )
  if (strong && !isNoAction(strong)) return strong
  const weak = decideBy(text, withMidLineLabels({ text, labels }))
  if (strong) return weak && 'finish' in weak ? weak : strong
  if (weak) return weak
  const missing = labels.some(({ name }) => name === 'action') ? '"Action Input:" after "Action:"' : '"Action:" after "Thought:"'
  return { problem: `Invalid format: ${missing} is missing.` }
}

const isNoAction = (decision: Decision): boolean => 'action' in decision && isNoTool(decision.action.tool)

/** Undefined if there is neither an action nor an answer. */
function decideBy(text: string, labels: readonly Label[]): Decision | undefined {
  let action: Label | undefined
  let noAction: Decision | undefined
  for (const [index, label] of labels.entries()) {
    if (label.name === 'observation') break
    if (label.name === 'answer') return readAnswer(text, labels, index)
    if (label.name === 'action') action = label
    if (label.name !== 'input' || !action) continue
    const decision = readAction(text, labels, action, index)
    if (!isNoAction(decision)) return decision
    noAction ??= decision
    action = undefined
  }
  if (noAction || !action) return noAction
  const tool = cleanToolName(text.slice(action.from), action.emphasis)
  return isNoTool(tool) ? { action: { tool, toolInput: '', log: text } } : undefined
}

function readAction(text: string, labels: readonly Label[], action: Label, index: number): Decision {
  const input = labels[index] ?? action
  const tool = cleanToolName(text.slice(action.from, input.at), action.emphasis)
  const end = labels[endingLabel(labels, index) ?? labels.length]
  if (end?.name === 'answer' && !isNoTool(tool)) {
    return { problem: 'You wrote both an action and a final answer. Write only one of them.' }
  }
  const toolInput = cleanToolInput(text.slice(input.from, end?.at), input.emphasis)
  return { action: { tool, toolInput, log: textBefore(text, end) } }
}

function readAnswer(text: string, labels: readonly Label[], index: number): Decision {
  let at = index
  const isEmpty = (next: Label | undefined): boolean => next?.name === 'answer' && text.slice(labels[at]?.from, next.at).trim() === ''
  while (isEmpty(labels[at + 1])) at++
  const label = labels[at]
  const end = labels[endingLabel(labels, at) ?? labels.length]
  const output = withoutEmphasis(text.slice(label?.from, end?.at), label?.emphasis ?? '').trim()
  return { finish: { returnValues: { output: label?.isWeak ? withoutFence(output) : output }, log: textBefore(text, end) } }
}

const textBefore = (text: string, label: Label | undefined): string => (label ? text.slice(0, label.at).trimEnd() : text)
