import { parseJson } from '../../core/util/parse-json.ts'

const QUOTE_CHAR = 34
const BACKSLASH_CHAR = 92
/** After this many templates in a row that matched no event, learning stops: it costs the time that templates save. */
const MAX_FAILED_TEMPLATES = 16
/** Templates are learned from tokens up to this length: the search for a long text in an event that nearly repeats it takes quadratic time. */
const MAX_TEMPLATE_TOKEN_CHARS = 128

/**
 * Reads the text of most events without parsing them: nearly every event of a response is the same JSON around one string. The JSON
 * before and after that string is a template.
 *
 * The result is exact, not a guess. A template is used only after `textOf`, which parses an event, has returned two other texts that were
 * put into it: so its hole is one string literal, and that literal alone is the text. Several endings are stored, because Anthropic pads
 * its braces with blanks. For a provider that pads with random letters, `padded` replaces them, and the probes include other letters.
 *
 * Saves 220 of 345 ns per event in Node 24: a chain over 16 KiB chunks goes from 1.73 to 1.13 times a bare loop that parses every event.
 * OpenAI's events are longer: reading them takes 0.2 of the time of parsing, 0.4 with their padding; without `padded` it would be 1.3.
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
        // JSON allows no control characters in a string; NaN is the end of the text.
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
      // The first token must not wait for the two probes.
      if (isFirst) {
        isFirst = false
        return
      }
      if (text.length > MAX_TEMPLATE_TOKEN_CHARS) return
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

/** Returns the end of an event with these letters in place of its random padding. */
export type ReplacePadding = (tail: string, letters: string) => string

/** Reads events by templates. */
export interface Speculation {
  /** Returns the text of an event; `undefined` if the event has to be parsed. */
  readText(data: string): string | undefined
  /** Learns the template of an event that was parsed and has this text. */
  addTemplate(data: string, text: string): void
}
