import { parseJson } from '../core/util/parse-json.ts'

/**
 * The text of a call's arguments while it arrives. Gateways in front of other providers begin with `{}`, or send the arguments again as a
 * whole at the end: the sum of both is not JSON.
 */
export class ArgumentText {
  #text = ''
  /** How many objects and lists are open at the end of the text. */
  #depth = 0
  /** The string that is open at the end of the text, and whether its next character is escaped. */
  #string: 'none' | 'open' | 'escaped' = 'none'
  /** The arguments as normalized JSON, if they were JSON when they had `#checkedLength` characters. */
  #json: string | undefined
  #checkedLength = 0
  /** Empty arguments that arrived and were not passed on, because others may follow. */
  heldBack = ''

  /** Whether no piece has been passed on. */
  get isEmpty(): boolean {
    return this.#text === ''
  }

  /** Adds a piece and returns what it adds to the arguments. */
  add(piece: string): string {
    if (this.#text === '' && /^(?:\{\s*\}|null)?$/.test(piece.trim())) {
      if (piece.trim() !== '') this.heldBack = '{}'
      return ''
    }
    if (this.isRepeatedBy(piece)) return ''
    this.heldBack = ''
    this.#text += piece
    this.#scan(piece)
    return piece
  }

  /** Whether a piece is the complete arguments again. */
  isRepeatedBy(piece: string): boolean {
    const json = this.#jsonBefore(piece)
    return json !== undefined && json === normalize(piece)
  }

  /** Whether a piece cannot belong to these arguments, because they are complete and it begins others. */
  isFollowedBy(piece: string): boolean {
    const json = this.#jsonBefore(piece)
    return json !== undefined && json !== normalize(piece)
  }

  /** Returns the arguments as normalized JSON if they are complete and a piece begins another object. */
  #jsonBefore(piece: string): string | undefined {
    const isComplete = this.#depth === 0 && this.#string === 'none' && /^\s*[[{]/.test(this.#text)
    if (!isComplete || !piece.trimStart().startsWith('{')) return
    // What is complete and not JSON never becomes JSON, so it is parsed once.
    const isKnown = this.#checkedLength > 0 && (this.#json === undefined || this.#checkedLength === this.#text.length)
    if (!isKnown) this.#json = normalize(this.#text)
    this.#checkedLength = this.#text.length
    return this.#json
  }

  #scan(piece: string): void {
    for (const character of piece) {
      if (this.#string === 'escaped') this.#string = 'open'
      else if (this.#string === 'open') this.#string = character === '"' ? 'none' : character === '\\' ? 'escaped' : 'open'
      else if (character === '"') this.#string = 'open'
      else if (character === '{' || character === '[') this.#depth++
      else if (character === '}' || character === ']') this.#depth--
    }
  }
}

const normalize = (text: string): string | undefined => JSON.stringify(parseJson(text))
