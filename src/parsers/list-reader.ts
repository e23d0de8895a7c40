import { type AnswerReader, ThinkingFilter } from './thinking.ts'

/** Splits text that arrives in pieces into items. */
export interface Splitter {
  /** Whether the text so far ends inside quotes, where line breaks and code fences are text. */
  readonly isQuoted: boolean
  add(text: string): void
  end(): void
}

/** How a list is read. */
export interface ListFormat {
  /** Creates a splitter that calls `onItem` with each complete item. */
  readonly createSplitter: (onItem: (item: string) => void) => Splitter
  /** Whether prose and code may stand beside the items. If not, a code fence with items contains all of them. */
  readonly skipsProse: boolean
}

const fencePattern = /^\s*(`{3,}|~{3,})/
/** A language of a code fence that contains a list, not code. */
const textLanguagePattern = /^(?:te?xt|plain\w*|csv|list|md|markdown|output|answer)?$/i
/** How much white space may stand before a code fence. */
const MAX_INDENT = 16

/** Finds the items of a list in a model's text while it arrives, without its thinking and its code. */
export class ListReader implements AnswerReader {
  readonly #filter = new ThinkingFilter(this)
  readonly #format: ListFormat
  readonly #onItem: (item: string) => void
  readonly #onForget: () => void
  #splitter: Splitter
  /** The start of the current line while it may be a code fence, then the whole line if it is one; undefined for other lines. */
  #line: string | undefined = ''
  #isFenceLine = false
  #fence: 'none' | 'list' | 'code' = 'none'
  #hasItems = false
  /** Items in code: they count if there are no others. */
  #inCode: string[] = []
  /** Whether the code fence that contains all items is closed. */
  #isOver = false

  constructor(format: ListFormat, onItem: (item: string) => void, onForget: () => void) {
    this.#format = format
    this.#onItem = onItem
    this.#onForget = onForget
    this.#splitter = this.#createSplitter()
  }

  get isVerbatim(): boolean {
    return this.#splitter.isQuoted
  }

  /** Reads the next piece of the model's text. */
  read(piece: string): void {
    this.#filter.add(piece)
  }

  /** Ends the text. Returns false if it ends in its thinking and has no items. */
  end(): boolean {
    this.#filter.end()
    this.#endLine()
    this.#splitter.end()
    if (!this.#hasItems) for (const item of this.#inCode) this.#onItem(item)
    return this.#hasItems || this.#inCode.length > 0 || !this.#filter.isThinking
  }

  forget(): void {
    this.#splitter = this.#createSplitter()
    this.#line = ''
    this.#isFenceLine = this.#hasItems = this.#isOver = false
    this.#fence = 'none'
    this.#inCode = []
    this.#onForget()
  }

  add(text: string): void {
    const [rest = '', ...lines] = text.split('\n')
    this.#readLine(rest)
    for (const line of lines) {
      this.#endLine()
      this.#readLine(line)
    }
  }

  #createSplitter(): Splitter {
    return this.#format.createSplitter((item) => {
      if (this.#isOver) return
      if (this.#fence !== 'code') {
        this.#hasItems = true
        this.#onItem(item)
      } else if (!this.#hasItems) this.#inCode.push(item)
    })
  }

  #readLine(text: string): void {
    if (this.#line === undefined) return this.#splitter.add(text)
    this.#line += text
    if (this.#isFenceLine) return
    const start = this.#line.trimStart()
    if (!this.#splitter.isQuoted && fencePattern.test(this.#line)) this.#isFenceLine = true
    else if (this.#splitter.isQuoted || this.#line.length > MAX_INDENT || !('```'.startsWith(start) || '~~~'.startsWith(start))) {
      this.#splitter.add(this.#line)
      this.#line = undefined
    }
  }

  #endLine(): void {
    const line = this.#line ?? ''
    if (this.#isFenceLine) this.#readFence(line.trim())
    else this.#splitter.add(`${line}\n`)
    this.#line = ''
    this.#isFenceLine = false
  }

  #readFence(line: string): void {
    const mark = fencePattern.exec(line)?.[1] ?? ''
    const info = line.slice(mark.length)
    if (info.endsWith(mark)) this.#splitter.add(`${info.slice(0, -mark.length)}\n`)
    else if (this.#fence === 'none') {
      const isList = !this.#format.skipsProse || (!this.#hasItems && textLanguagePattern.test(info.trim()))
      this.#fence = isList ? 'list' : 'code'
    } else if (info === '') {
      this.#isOver = !this.#format.skipsProse && this.#hasItems
      this.#fence = 'none'
    }
  }
}
