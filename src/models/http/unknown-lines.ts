import { parseJson } from '../../core/util/parse-json.ts'

const LF_BYTE = 10
const CR_BYTE = 13
/** The first bytes of comments and of the fields `data`, `id` and `retry`. `event` may be the beginning of an error. */
const knownFirstBytes: readonly (number | undefined)[] = [58, 100, 105, 114]

/** An error that a server writes without the syntax of events is short. */
const MAX_UNKNOWN_CHARS = 16_384
/** How often text is parsed that is not JSON after all. */
const MAX_FAILURES = 16

/**
 * Reads errors among the lines of a stream that are no field of an event.
 *
 * The parser drops an unknown line of which only a part has arrived. So `hold` keeps the beginning of such a line until the next chunk.
 *
 * @param emit - called with the text after `error:` (`isError`), or with JSON
 */
export function createUnknownLines(emit: (data: string, isError: boolean) => void): UnknownLines {
  let json = ''
  let failures = 0
  let held = new Uint8Array()
  let isLineStart = true
  return {
    add(line) {
      const [, words] = /^error: *(.*)/is.exec(line) ?? []
      if (words) return emit(words, true)
      if (failures > MAX_FAILURES || (!json && !line.startsWith('{'))) return
      json += line
      if (/^[{}]/.test(line)) {
        if (parseJson(json) === undefined) failures++
        else {
          emit(json, false)
          json = ''
        }
      }
      if (json.length > MAX_UNKNOWN_CHARS) json = ''
    },
    hold(bytes) {
      if (held.length === 0 && bytes.at(-1) === LF_BYTE) {
        isLineStart = true
        return bytes
      }
      const all = held.length === 0 ? bytes : joinBytes(held, bytes)
      const from = all.lastIndexOf(LF_BYTE) + 1
      const mayBeUnknown = (from > 0 || isLineStart) && !knownFirstBytes.includes(all[from])
      const isHeld = mayBeUnknown && all.length - from < MAX_UNKNOWN_CHARS && !all.includes(CR_BYTE, from)
      isLineStart = isHeld || from === all.length
      held = isHeld ? all.slice(from) : new Uint8Array()
      return isHeld ? all.subarray(0, from) : all
    },
    rest: () => joinBytes(held, Uint8Array.of(LF_BYTE)),
  }
}

/** The unknown lines of one stream. */
interface UnknownLines {
  /** Takes an unknown line. */
  add(line: string): void
  /** Takes a chunk. Returns the bytes to parse: a line that is held comes with the next chunk. */
  hold(bytes: Uint8Array): Uint8Array
  /** Returns the last line, with a line end. */
  rest(): Uint8Array
}

function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
