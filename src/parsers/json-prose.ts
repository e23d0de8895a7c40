/** How likely it is that a value is the answer: 2 if it stands on its own, 1 inside a sentence or as code of another language. */
export type JsonRank = 1 | 2

/** A code fence, an array or an object. */
const markPattern = /`{3,}|~{3,}|[[{]/g
/** The start of what may become a code fence. */
const partialFencePattern = /[`~]{1,2}$/
const infoPattern = /[^\S\n]{0,8}([\w+#.-]{0,24})/y
/** Languages of a code fence that may contain the JSON that was asked for. */
const jsonLanguagePattern = /^(?:\w*json\w*|te?xt|plain\w*|output|answer)?$/i
/** What follows a bracket of JSON but not one of prose, so that neither `[1]` nor `{name}` matches. */
const jsonStartPattern = /\{\s{0,32}"|\[\s{0,32}["[{]/y
/** A bracket of which too little is known. */
const partialStartPattern = /(?:[[{]\s{0,32}|\[\d{1,3})$/y
/** What prose begins with, too: a citation, a box to tick. */
const citationPattern = /\[(?:\d{1,3}|\s{0,3})\]/y
/** The text before a value that stands on its own: a line break, a colon or a tag, then list marks, quotes or emphasis. */
const introductionPattern = /[\n:：>][\s>*_`"'\d.)-]{0,16}$/
const MAX_INTRODUCTION_LENGTH = 17
const MAX_FENCE_LENGTH = 40
const MAX_WEAK_STARTS = 64

const matchesAt = (pattern: RegExp, text: string, index: number): boolean => {
  pattern.lastIndex = index
  return pattern.test(text)
}

/** Finds where JSON starts in prose that arrives in pieces. */
export class JsonProse {
  /** The number of characters read, without those that are held back: the index of the value that was found. */
  position = 0
  /** The rank of the value that was found. */
  rank: JsonRank = 1
  /** The indexes of brackets that are JSON only if nothing follows it in its line: `[1, 2]`, `[]`, `{}`. */
  readonly weakStarts: number[] = []
  /** Text whose meaning depends on what follows. */
  #held = ''
  /** The end of the text before. */
  #before = '\n'
  #fence: 'none' | 'json' | 'code' = 'none'
  /** Whether only white space came since the start of the text or of the code fence. */
  #isFresh = true

  get isInFence(): boolean {
    return this.#fence !== 'none'
  }

  /** Leaves a code fence whose end is not read here. */
  closeFence(): void {
    this.#fence = 'none'
  }

  /**
   * Reads prose. Returns the text from the start of a value on; empty if none has started.
   *
   * @param isEnd Whether no more text follows.
   */
  read(piece: string, isEnd = false): string {
    const text = this.#held + piece
    this.#held = ''
    let from = 0
    for (const { 0: mark, index } of text.matchAll(markPattern)) {
      this.#pass(text.slice(from, index))
      const found = mark.length > 1 ? this.#readFence(text, index, mark.length, isEnd) : this.#readBracket(text, index, isEnd)
      if (found === 'value') return text.slice(index)
      if (found === 'partial') this.#held = text.slice(index)
      if (found === 'partial') return ''
      from = index + found
    }
    this.#held = isEnd ? '' : (partialFencePattern.exec(text.slice(from))?.[0] ?? '')
    this.#pass(text.slice(from, text.length - this.#held.length))
    return ''
  }

  #pass(text: string): void {
    this.position += text.length
    this.#before = (this.#before + text.slice(-MAX_INTRODUCTION_LENGTH)).slice(-MAX_INTRODUCTION_LENGTH)
    if (this.#isFresh && text.trim() !== '') this.#isFresh = false
  }

  /** Returns the number of characters read. */
  #readFence(text: string, index: number, length: number, isEnd: boolean): number | 'partial' {
    infoPattern.lastIndex = index + length
    const [info, language = ''] = infoPattern.exec(text) ?? ['']
    const end = index + length + info.length
    if (!isEnd && end === text.length && end - index < MAX_FENCE_LENGTH) return 'partial'
    const isOpening = !this.isInFence
    const read = isOpening ? length + info.length : length
    this.#pass(text.slice(index, index + read))
    if (!isOpening) this.#fence = 'none'
    else this.#fence = jsonLanguagePattern.test(language) ? 'json' : 'code'
    this.#isFresh = isOpening
    return read
  }

  /** Returns the number of characters read, if the bracket starts no value. */
  #readBracket(text: string, index: number, isEnd: boolean): number | 'partial' | 'value' {
    const isJson = matchesAt(jsonStartPattern, text, index)
    const isFreshObject = this.#isFresh && text[index] === '{'
    if (!isEnd && !isJson && !isFreshObject && matchesAt(partialStartPattern, text, index)) return 'partial'
    const isFresh = this.#isFresh && !matchesAt(citationPattern, text, index)
    const isIntroduced = introductionPattern.test(this.#before)
    this.rank = this.#fence !== 'code' && (isFresh || isIntroduced) ? 2 : 1
    if (isFresh || (isJson && this.#fence !== 'code')) return 'value'
    const isWeak = this.#fence !== 'code' && (this.#isFresh || isIntroduced)
    if (isWeak && this.weakStarts.length < MAX_WEAK_STARTS) this.weakStarts.push(this.position)
    this.#pass(text.charAt(index))
    return 1
  }

  /** Counts the text of a value. */
  skip(length: number): void {
    this.position += length
    this.#before = ''
    this.#isFresh = false
  }
}
