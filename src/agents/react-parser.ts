import type { AgentAction, AgentFinish } from '../core/agent-types.ts'

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

const FINAL_ANSWER_LABEL = 'Final Answer:'
const actionLabel = /Action\s*(?:\d+\s*)?:/
const inputLabel = /Action\s*(?:\d+\s*)?Input\s*(?:\d+\s*)?:/

/**
 * Parses a model's text in the ReAct format (LangChain's ReActSingleInputOutputParser, Python version):
 *
 * - `Action: tool` and `Action Input: …` are an action. Numbers and white space in the labels are accepted. The input extends to the end of
 *   the text; white space and double quotes around it are removed, unless it begins with `SELECT `, where quotes belong to SQL.
 * - Otherwise the last `Final Answer: …` is the answer.
 * - An answer before an action is the answer, cut where the model continues with the next question. An action before an answer, or an
 *   incomplete action, is a problem.
 *
 * @example
 * parseReAct('I have to work it out.\nAction: Calculator\nAction Input: 2 ^ 0.235')
 * // { action: { tool: 'Calculator', toolInput: '2 ^ 0.235', log: … } }
 */
export function parseReAct(text: string): Decision {
  const action = findAction(text)
  const answer = text.indexOf(FINAL_ANSWER_LABEL)
  if (action && answer > action.at) return { problem: 'You wrote both an action and a final answer. Write only one of them.' }
  if (action && answer >= 0) {
    const from = answer + FINAL_ANSWER_LABEL.length
    const cut = findNextTurn(text.slice(from))
    const end = cut?.isSure ? Math.min(from + cut.at, action.at) : action.at
    return toFinishDecision(text.slice(from, end), text.slice(0, end))
  }
  if (action) return { action: { tool: action.tool, toolInput: cleanToolInput(action.input), log: text } }
  if (answer >= 0) return toFinishDecision(text.slice(text.lastIndexOf(FINAL_ANSWER_LABEL) + FINAL_ANSWER_LABEL.length), text)
  const missing = actionLabel.test(text) ? '"Action Input:" after "Action:"' : '"Action:" after "Thought:"'
  return { problem: `Invalid format: ${missing} is missing.` }
}

const toFinishDecision = (output: string, log: string): Decision => ({ finish: { returnValues: { output: output.trim() }, log } })

/** Finds an action with an input. In two steps, because one expression for both would take quadratic time. */
function findAction(text: string): { at: number; tool: string; input: string } | undefined {
  const label = actionLabel.exec(text)
  if (!label) return
  const rest = text.slice(label.index + label[0].length)
  const input = inputLabel.exec(rest)
  if (!input) return
  return { at: label.index, tool: rest.slice(0, input.index).trim(), input: rest.slice(input.index + input[0].length) }
}

function cleanToolInput(text: string): string {
  const input = text.trim()
  return input.startsWith('SELECT ') ? input : trimQuotes(input)
}

/** Not with a regular expression: one that looks for quotes at the end takes quadratic time for quotes before it. */
function trimQuotes(text: string): string {
  let [from, to] = [0, text.length]
  while (text[from] === '"') from++
  while (to > from && text[to - 1] === '"') to--
  return text.slice(from, to)
}

/** The labels of the format at the start of a line. */
const keywordPattern = /^(?:Question|Thought|Observation|Action(?:\s*\d*\s*Input)?)\s*\d*\s*:/
/** Used to recognise the start of a label that is not complete. */
const keywords = ['Question', 'Thought', 'Observation', 'Action', 'Action Input']
const mayBecomeKeyword = (text: string): boolean =>
  keywords.some((word) => word.startsWith(text) || (text.startsWith(word) && text.length < 24))

/** Where, after a blank line, the model continues with a label of the format. `isSure` is false if more text is needed to decide. */
function findNextTurn(text: string): { readonly at: number; readonly isSure: boolean } | undefined {
  for (const { 0: blank, index: at } of text.matchAll(/\n[^\S\n]*\n\s*/g)) {
    const next = text.slice(at + blank.length, at + blank.length + 24)
    if (keywordPattern.test(next)) return { at, isSure: true }
    if (at + blank.length + next.length === text.length && mayBecomeKeyword(next.trimEnd())) return { at, isSure: false }
  }
}

/**
 * Extracts the final answer from a model's text while it arrives: the text after `Final Answer:`, trimmed. Text that {@link parseReAct}
 * may still remove is held back.
 */
export class FinalAnswerExtractor {
  /** Before the answer: the last characters, which may be part of the label. In the answer: the text that is held back. */
  #held = ''
  /** In the answer: whether `#held` is only white space. More of it changes nothing, so long white space is not searched piece by piece. */
  #isBlank = false
  #phase: 'before' | 'answer' | 'over'
  /** The part of the answer that `add` has returned. */
  #emitted = ''

  /** @param isAnswering Whether the prompt ends with the label, so that the answer starts at once. */
  constructor(isAnswering = false) {
    this.#phase = isAnswering ? 'answer' : 'before'
  }

  /** Returns the part of the answer that is certain now. */
  add(piece: string): string {
    if (this.#phase === 'over' || piece === '') return ''
    this.#held += piece
    if (this.#isBlank && piece.trim() === '') return ''
    if (this.#phase === 'before') {
      const at = this.#held.indexOf(FINAL_ANSWER_LABEL)
      this.#held = at < 0 ? this.#held.slice(-FINAL_ANSWER_LABEL.length) : this.#held.slice(at + FINAL_ANSWER_LABEL.length)
      if (at < 0) return ''
      this.#phase = 'answer'
    }
    const cut = findNextTurn(this.#held)
    if (cut?.isSure) this.#phase = 'over'
    const sure = this.#held.slice(0, cut?.at).trimEnd()
    this.#held = this.#held.slice(sure.length)
    this.#isBlank = this.#held.trim() === ''
    const certain = this.#emitted === '' ? sure.trimStart() : sure
    this.#emitted += certain
    return certain
  }

  /** Returns the rest of the complete answer. */
  remaining(answer: string): string {
    return answer.startsWith(this.#emitted) ? answer.slice(this.#emitted.length) : ''
  }
}
