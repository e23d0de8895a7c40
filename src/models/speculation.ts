import { parseJson } from '../core/parse-json.ts'

const QUOTE = 34
const BACKSLASH = 92
/** Shapes learnt in vain, one after the other, until it is given up: learning costs what it is to save. */
const PATIENCE = 16

/**
 * Nearly every event of an answer is the same JSON around one string: the shape of one gives the text of the next without parsing it.
 * Exact, not a guess. A shape, the JSON before and after the string, counts only after `textOf`, which parses an event, has found two
 * other texts put into it: so its hole is one string literal, and that alone is the text. Several endings are kept, for Anthropic pads
 * its braces with blanks.
 *
 * It buys 220 of 345 ns per event in Node 24: a chain over 16 KiB chunks goes from 1.73 to 1.13 times the bare loop that parses all.
 */
export function speculation(textOf: (data: string) => string | undefined): Speculation {
  const endings = new Set<string>()
  let [before, vain, isFirst] = ['', 0, true]
  return {
    read(data) {
      const from = before.length
      if (from === 0 || data.slice(0, from) !== before) return
      let [end, isEscaped] = [from, false]
      for (let char = data.charCodeAt(end); char !== QUOTE; char = data.charCodeAt(++end)) {
        // A control character is no JSON; NaN is the end.
        if (!(char >= 32)) return
        if (char === BACKSLASH) {
          isEscaped = true
          end++
        }
      }
      if (!endings.has(data.slice(end))) return
      vain = 0
      return isEscaped ? (parseJson(data.slice(from - 1, end + 1)) as string | undefined) : data.slice(from, end)
    },
    learn(data, text) {
      // The first token shall not wait for two probes.
      if (isFirst) {
        isFirst = false
        return
      }
      const literal = JSON.stringify(text)
      const start = data.lastIndexOf(literal) + 1
      if (start === 0 || vain++ >= PATIENCE || endings.size >= 4 * PATIENCE) return
      const [head, tail] = [data.slice(0, start), data.slice(start + literal.length - 2)]
      if (!['1', '2'].every((probe) => textOf(`${head}${probe}${tail}`) === probe)) return
      if (head !== before) endings.clear()
      before = head
      endings.add(tail)
    },
  }
}

export interface Speculation {
  /** The text of an event; undefined where it has to be parsed. */
  read(data: string): string | undefined
  /** Takes the shape of an event that had to be parsed, and has this text. */
  learn(data: string, text: string): void
}
