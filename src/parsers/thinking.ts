/** Receives a model's text without its thinking. */
export interface AnswerReader {
  /** Receives the next piece of the answer. */
  add(text: string): void
  /** Whether tags at this place are text: inside a string of JSON, for example. */
  readonly isVerbatim: boolean
  /**
   * Whether the tag at this place marks thinking; if not, it is text.
   *
   * @param isLone Whether it is a closing tag, and no opening tag came before it.
   * @defaultValue true
   */
  takesTag?(isLone: boolean): boolean
  /** All text so far was thinking: the opening tag was a part of the prompt, as chat templates of reasoning models write it. */
  forget(): void
}

/**
 * What reasoning models write around their thinking, if the server leaves it in the text: DeepSeek, Qwen and most others, Seed-OSS,
 * Magistral, Kimi, Command A, OpenThinker, gpt-oss.
 */
const tags: readonly string[] = [
  ['think', 'thinking', 'thought', 'reasoning', 'scratchpad', 'seed:think'].flatMap((name) => [`<${name}>`, `</${name}>`]),
  ['[think]', '[/think]', '◁think▷', '◁/think▷', '<|start_thinking|>', '<|end_thinking|>'],
  ['<|begin_of_thought|>', '<|end_of_thought|>', '<|channel|>analysis<|message|>', '<|channel|>final<|message|>'],
].flat()
const tagPattern = new RegExp(tags.map((tag) => tag.replace(/[[\]|]/g, '\\$&')).join('|'), 'gi')
const tagStartPattern = /[<[◁]/
const closingTagPattern = /^.\/|\|end_|final/i
const MAX_TAG_LENGTH = 31

/** Removes thinking from a model's text while it arrives. It is the first stage of every parser of model text. */
export class ThinkingFilter {
  readonly #reader: AnswerReader
  /** The start of what may be a tag. */
  #held = ''
  #isThinking = false
  #hasOpened = false

  constructor(reader: AnswerReader) {
    this.#reader = reader
  }

  /** Whether the text so far ends inside a block of thinking. */
  get isThinking(): boolean {
    return this.#isThinking
  }

  add(piece: string): void {
    if (this.#held === '' && !this.#isThinking && !tagStartPattern.test(piece)) return this.#reader.add(piece)
    const text = this.#held + piece
    let from = 0
    for (const { 0: tag, index } of text.matchAll(tagPattern)) {
      this.#pass(text.slice(from, index))
      from = this.#readTag(tag) ? index + tag.length : index
    }
    const end = partialTagIndex(text, from)
    this.#pass(text.slice(from, end))
    this.#held = text.slice(end)
    if (this.#held !== '' && !this.#isThinking && this.#reader.isVerbatim) this.end()
  }

  /** Passes on the text that is held back. */
  end(): void {
    this.#pass(this.#held)
    this.#held = ''
  }

  #pass(text: string): void {
    if (text !== '' && !this.#isThinking) this.#reader.add(text)
  }

  /** Returns false if the tag is text. */
  #readTag(tag: string): boolean {
    const isClosing = closingTagPattern.test(tag)
    const isLone = isClosing && !this.#hasOpened
    if (!isClosing) this.#hasOpened = true
    if (this.#isThinking) {
      if (isClosing) this.#isThinking = false
      return true
    }
    if (this.#reader.isVerbatim || this.#reader.takesTag?.(isLone) === false) return false
    if (isClosing) this.#reader.forget()
    else this.#isThinking = true
    return true
  }
}

/** A model's complete text without its thinking. */
export function withoutThinking(text: string): string {
  let answer = ''
  const filter = new ThinkingFilter({
    isVerbatim: false,
    add: (piece) => {
      answer += piece
    },
    forget: () => {
      answer = ''
    },
  })
  filter.add(text)
  filter.end()
  return answer
}

/** A model's final answer without its thinking. An answer may contain tags: a block of thinking starts on a line of its own there. */
export function answerWithoutThinking(text: string): string {
  let answer = ''
  let lastPiece = ''
  let isLineBlank = true
  const forget = (): void => {
    answer = lastPiece = ''
    isLineBlank = true
  }
  const filter = new ThinkingFilter({
    isVerbatim: false,
    takesTag: (isLone) => isLineBlank || (isLone && !/["'`]/.test(lastPiece.at(-1) ?? '')),
    add: (piece) => {
      const lineAt = piece.lastIndexOf('\n') + 1
      isLineBlank = (isLineBlank || lineAt > 0) && piece.slice(lineAt).trim() === ''
      answer += piece
      lastPiece = piece
    },
    forget,
  })
  filter.add(text)
  filter.end()
  return answer === text ? text : answer.trim()
}

/** The index where a text's last characters may be the start of a tag; its length if they are not. */
function partialTagIndex(text: string, from: number): number {
  for (let at = Math.max(from, text.length - MAX_TAG_LENGTH + 1); at < text.length; at++) {
    if (!tagStartPattern.test(text.charAt(at))) continue
    const start = text.slice(at).toLowerCase()
    if (tags.some((tag) => tag.startsWith(start))) return at
  }
  return text.length
}

/** The text after the last closing tag; empty if there is none. */
export function textAfterThinking(text: string): string {
  let from = text.length
  for (const { 0: tag, index } of text.matchAll(tagPattern)) if (closingTagPattern.test(tag)) from = index + tag.length
  return text.slice(from)
}
