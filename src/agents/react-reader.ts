import { type Fold, textFold } from '../core/flow/fold.ts'
import { type AnswerReader, ThinkingFilter } from '../parsers/thinking.ts'
import { AnswerStream } from './answer-stream.ts'
import { cleanToolName, isNoTool } from './react-input.ts'
import { type Label, type LabelledText, MAX_LABEL_LENGTH, mayBecomeLabel, readLabel } from './react-labels.ts'

const fencePattern = /^\s*(?:`{3,}|~{3,})[^`]*$/
const bareFencePattern = /^\s*(?:`{3,}|~{3,})\s*$/
/** A line that begins with emphasis, which may be closed after the label. */
const emphasisPattern = /^[\s\d>#.)-]*[*_`]/
const MAX_KEPT_LINE = 2 * MAX_LABEL_LENGTH
/** The last line, where a server leaves a part of the stop sequence. */
const partialStopPattern = /\n[ \t*_`]{0,8}(Ob[a-z]{0,9})$/

/** Reads a model's text in the ReAct format while it arrives: removes its thinking, finds labels, and streams the final answer. */
export class ReActReader implements AnswerReader {
  readonly isVerbatim = false
  readonly #filter = new ThinkingFilter(this)
  readonly #answer: AnswerStream
  readonly #isAnswering: boolean
  #text: Fold<string, string> = textFold()
  #labels: Label[] = []
  /** The index of the current line, and how long it is so far. */
  #lineAt = 0
  #lineLength = 0
  /** The start of the current line. */
  #line = ''
  /** Whether it is known if the current line begins with a label, and where the text after that starts in the line. */
  #isDecided = false
  #contentAt = 0
  /** The number of labels before the open code fence; undefined outside one. */
  #fencedFrom: number | undefined
  /** The last label outside code fences. */
  #last: Label['name'] | undefined
  /** The first line after the last `Action:`. */
  #actionLine = ''
  /** Whether an action or an observation precedes, so that an answer after it is not the answer. */
  #hasActed = false

  /** @param isAnswering Whether the prompt ends with `Final Answer:`, so that the answer starts at once. */
  constructor({ isAnswering = false, isLive = false }: { readonly isAnswering?: boolean; readonly isLive?: boolean } = {}) {
    this.#answer = new AnswerStream(isLive)
    this.#isAnswering = isAnswering
    this.forget()
  }

  /** Reads the next piece of the model's text. Returns the part of the answer that is certain now. */
  read(piece: string): string {
    this.#filter.add(piece)
    return this.#answer.take()
  }

  /** Ends the text. */
  end(): LabelledText {
    this.#filter.end()
    this.#endLine()
    const all = this.#text.result()
    const stop = partialStopPattern.exec(all.slice(-MAX_LABEL_LENGTH))
    const text = stop && 'Observation'.startsWith(`${stop[1]}`) ? all.slice(0, -stop[0].length) : all
    const from = this.#fencedFrom
    // A code fence that is never closed contains everything after it: it does not tell examples from the real thing.
    if (from === undefined || this.#last === 'answer') return { text, labels: this.#labels }
    return { text, labels: this.#labels.map((label, index) => (index < from ? label : { ...label, isWeak: false })) }
  }

  /** Returns the rest of the answer. See {@link AnswerStream.rest} for errors. */
  rest(answer: string | undefined): string {
    return this.#answer.rest(answer)
  }

  takesTag(isLone: boolean): boolean {
    if (this.#last !== 'answer' && this.#last !== 'input') return true
    // Answers and inputs may contain tags. A block of thinking starts on a line of its own there.
    const line = this.#line.slice(this.#contentAt)
    return line.trim() === '' || (isLone && !/["'`]$/.test(line))
  }

  forget(): void {
    this.#answer.forget()
    this.#text = textFold()
    this.#labels = []
    this.#lineAt = 0
    this.#startLine()
    this.#fencedFrom = this.#last = undefined
    this.#hasActed = false
    if (this.#isAnswering) this.#addLabel({ name: 'answer', at: 0, from: 0, isExact: true, emphasis: '', isWeak: false })
  }

  add(text: string): void {
    this.#text.add(text)
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      this.#readLine(text.slice(from, end))
      this.#endLine()
      from = end + 1
    }
    this.#readLine(text.slice(from))
  }

  #readLine(text: string): void {
    if (text === '') return
    this.#lineLength += text.length
    if (this.#line.length < MAX_KEPT_LINE) this.#line += text
    if (this.#isDecided) this.#answer.add(text)
    else this.#decideLine(false)
  }

  #endLine(): void {
    if (!this.#isDecided) this.#decideLine(true)
    const content = this.#line.slice(this.#contentAt, MAX_KEPT_LINE)
    if (this.#fencedFrom !== undefined) this.#fencedFrom = bareFencePattern.test(content) ? undefined : this.#fencedFrom
    else if (fencePattern.test(content)) this.#fencedFrom = this.#labels.length
    if (this.#last === 'action' && this.#contentAt > 0) this.#actionLine = content
    this.#answer.add('\n')
    this.#lineAt += this.#lineLength + 1
    this.#startLine()
  }

  #startLine(): void {
    this.#line = ''
    this.#lineLength = this.#contentAt = 0
    this.#isDecided = false
  }

  /** Finds out whether the current line begins with a label, if enough of it is known. */
  #decideLine(isOver: boolean): void {
    const line = this.#line
    const label = readLabel(line, this.#lineAt, this.#fencedFrom !== undefined)
    const length = label ? label.from - this.#lineAt : 0
    // Emphasis may be closed after the colon.
    const isPartial = label ? emphasisPattern.test(line) && line.length < length + 3 : mayBecomeLabel(line)
    if (isPartial && !isOver) return
    this.#isDecided = true
    if (label) this.#addLabel(label)
    if (label && !label.isWeak) this.#contentAt = length
    this.#answer.add(line.slice(this.#contentAt))
  }

  #addLabel(label: Label): void {
    this.#labels.push(label)
    if (label.isWeak) return
    const { name } = label
    if (name === 'observation' || (name === 'input' && this.#last === 'action' && !isNoTool(cleanToolName(this.#actionLine, '')))) {
      this.#hasActed = true
    }
    this.#last = name
    if (name !== 'answer') this.#answer.hold()
    else if (this.#hasActed) this.#answer.hold()
    else this.#answer.start(label.emphasis === '')
  }
}
