import { parseJson } from '../core/util/parse-json.ts'

/**
 * The text of a call's arguments while it arrives. Gateways in front of other providers begin with `{}`, or send the arguments again as a
 * whole at the end: the sum of both is not JSON.
 */
export class ArgumentText {
  #text = ''
  #lastCharacter = ''
  /** The arguments as normalized JSON, if they were complete when they had `#checkedLength` characters. */
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
    this.#lastCharacter = piece.trimEnd().at(-1) ?? this.#lastCharacter
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

  /**
   * Returns the arguments as normalized JSON if they are complete and a piece begins another object. Parses them only if their length has
   * doubled since they were last parsed: a string may have many places that look like the end.
   */
  #jsonBefore(piece: string): string | undefined {
    if (this.#lastCharacter !== '}' || !piece.trimStart().startsWith('{')) return
    if (this.#text.length >= 2 * this.#checkedLength) {
      this.#json = normalize(this.#text)
      this.#checkedLength = this.#text.length
    }
    return this.#text.length === this.#checkedLength ? this.#json : undefined
  }
}

const normalize = (text: string): string | undefined => JSON.stringify(parseJson(text))
