import type { AgentAction, AgentFinish } from '../core/agent-types.ts'

/** What a model wants to do next; or what is wrong with how it said so, in words for the model. */
export type Decision = { readonly action: AgentAction } | { readonly finish: AgentFinish } | { readonly problem: string }

const FINAL_ANSWER_LABEL = 'Final Answer:'
const actionLabel = /Action\s*(?:\d+\s*)?:/
const inputLabel = /Action\s*(?:\d+\s*)?Input\s*(?:\d+\s*)?:/

/**
 * Reads what a model says in the ReAct format (LangChain's ReActSingleInputOutputParser, as Python has it):
 *
 * - `Action: tool` and `Action Input: …`, with numbers and white space as models put them; the input goes to the end, without blanks
 *   around it, nor quotes, unless it begins with `SELECT `, where quotes are SQL's own
 * - else the last `Final Answer: …`
 * - an answer before an action is the answer, as far as the model had not gone on to the next question; an action before an answer, or
 *   half an action, is a problem
 *
 * @example
 * parseReAct('I have to work it out.\nAction: Calculator\nAction Input: 2 ^ 0.235')
 * // { action: { tool: 'Calculator', toolInput: '2 ^ 0.235', log: … } }
 */
export function parseReAct(text: string): Decision {
  const action = findAction(text)
  const answer = text.indexOf(FINAL_ANSWER_LABEL)
  if (action && answer > action.at) return { problem: 'You wrote an action and a final answer. Write only one of them.' }
  if (action && answer >= 0) {
    const from = answer + FINAL_ANSWER_LABEL.length
    const cut = findNextTurn(text.slice(from))
    const end = cut?.isSure ? Math.min(from + cut.at, action.at) : action.at
    return toFinishDecision(text.slice(from, end), text.slice(0, end))
  }
  if (action) return { action: { tool: action.tool, toolInput: cleanToolInput(action.input), log: text } }
  if (answer >= 0) return toFinishDecision(text.slice(text.lastIndexOf(FINAL_ANSWER_LABEL) + FINAL_ANSWER_LABEL.length), text)
  const missing = actionLabel.test(text) ? '"Action Input:" after "Action:"' : '"Action:" after "Thought:"'
  return { problem: `The format is not kept: ${missing} is missing.` }
}

const toFinishDecision = (output: string, log: string): Decision => ({ finish: { returnValues: { output: output.trim() }, log } })

/** An action that has an input. Looked for in two steps: one expression over both would read the text as often as it is long. */
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
  return input.startsWith('SELECT ') ? input : input.replace(/^"+|"+$/g, '')
}

/** The format's own lines. */
const keywordPattern = /^(?:Question|Thought|Observation|Action(?:\s*\d*\s*Input)?)\s*\d*\s*:/
/** What the beginning of one looks like. */
const keywords = ['Question', 'Thought', 'Observation', 'Action', 'Action Input']
const mayBecomeKeyword = (text: string): boolean =>
  keywords.some((word) => word.startsWith(text) || (text.startsWith(word) && text.length < 24))

/** Where, after a blank line, a model goes on to talk to itself; not `isSure` where only more of the text can tell. */
function findNextTurn(text: string): { readonly at: number; readonly isSure: boolean } | undefined {
  for (const { 0: blank, index: at } of text.matchAll(/\n[^\S\n]*\n\s*/g)) {
    const next = text.slice(at + blank.length, at + blank.length + 24)
    if (keywordPattern.test(next)) return { at, isSure: true }
    if (at + blank.length + next.length === text.length && mayBecomeKeyword(next.trimEnd())) return { at, isSure: false }
  }
}

/**
 * Finds the final answer in what a model says while it says it: what comes after `Final Answer:`, white space around it left out, and
 * held back where {@link parseReAct} may leave it out.
 */
export class FinalAnswerExtractor {
  /** Before the answer its last characters, in the answer what is held back. */
  #held = ''
  #phase: 'before' | 'answer' | 'over'
  #shown = ''

  /** `isAnswering`: the label is the prompt's last word, so that the answer begins at once. */
  constructor(isAnswering = false) {
    this.#phase = isAnswering ? 'answer' : 'before'
  }

  /** What may be shown of the answer now. */
  add(piece: string): string {
    if (this.#phase === 'over') return ''
    this.#held += piece
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
    const shown = this.#shown === '' ? sure.trimStart() : sure
    this.#shown += shown
    return shown
  }

  /** What is left of the answer when it is known. */
  remaining(answer: string): string {
    return answer.startsWith(this.#shown) ? answer.slice(this.#shown.length) : ''
  }
}
