import { parseJson } from '../../core/util/parse-json.ts'

const QUOTE_CHAR = 34
const BACKSLASH_CHAR = 92
/** Shapes learnt in vain, one after the other, until it is given up: learning costs what it is to save. */
const MAX_FAILED_TEMPLATES = 16

/**
 * Nearly every event of an answer is the same JSON around one string: the shape of one gives the text of the next without parsing it.
 * Exact, not a guess. A shape, the JSON before and after the string, counts only after `textOf`, which parses an event, has found two
 * other texts put into it: so its hole is one string literal, and that alone is the text. Several endings are kept, for Anthropic pads
 * its braces with blanks; where a provider pads with random letters, `padded` puts others in their place, and they are tried there too.
 *
 * It buys 220 of 345 ns per event in Node 24: a chain over 16 KiB chunks goes from 1.73 to 1.13 times the bare loop that parses all. Of
 * OpenAI's events, which are longer, it takes 0.2 of the time of parsing, 0.4 with their padding; without `padded` that would be 1.3.
 */
export function speculation(textOf: (data: string) => string | undefined, padded: ReplacePadding = (tail) => tail): Speculation {
  const endings = new Set<string>()
  let [before, failures, isFirst] = ['', 0, true]
  return {
    readText(data) {
      const from = before.length
      if (from === 0 || data.slice(0, from) !== before) return
      let [end, isEscaped] = [from, false]
      for (let char = data.charCodeAt(end); char !== QUOTE_CHAR; char = data.charCodeAt(++end)) {
        // A control character is no JSON; NaN is the end.
        if (!(char >= 32)) return
        if (char === BACKSLASH_CHAR) {
          isEscaped = true
          end++
        }
      }
      const tail = data.slice(end)
      if (!endings.has(tail) && !endings.has(padded(tail, ''))) return
      failures = 0
      return isEscaped ? (parseJson(data.slice(from - 1, end + 1)) as string | undefined) : data.slice(from, end)
    },
    addTemplate(data, text) {
      // The first token shall not wait for two probes.
      if (isFirst) {
        isFirst = false
        return
      }
      const literal = JSON.stringify(text)
      const start = data.lastIndexOf(literal) + 1
      if (start === 0 || failures++ >= MAX_FAILED_TEMPLATES || endings.size >= 4 * MAX_FAILED_TEMPLATES) return
      const [head, tail] = [data.slice(0, start), data.slice(start + literal.length - 2)]
      if (!['1', '2'].every((probe) => textOf(`${head}${probe}${padded(tail, probe)}`) === probe)) return
      if (head !== before) endings.clear()
      before = head
      endings.add(padded(tail, ''))
    },
  }
}

/** The end of an event with other letters in place of its random padding. */
export type ReplacePadding = (tail: string, letters: string) => string

export interface Speculation {
  /** The text of an event; undefined where it has to be parsed. */
  readText(data: string): string | undefined
  /** Takes the shape of an event that had to be parsed, and has this text. */
  addTemplate(data: string, text: string): void
}
