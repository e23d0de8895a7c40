import { ChaintapError } from '../errors.ts'
import { MAX_BIGINT_DIGITS, Marked } from './marked.ts'

/** Options of {@link stringify} and of `encoder`. */
export interface JsonOptions {
  /**
   * The maximum length of one string, in characters (UTF-16 code units), at least 128. The whole JSON text may have about 64 times as
   * many. Anything longer is cut and marked.
   *
   * @defaultValue 262_144
   */
  readonly limit?: number
}

/** Deeper than any known data, and far from overflowing the stack. */
const MAX_STRINGIFY_DEPTH = 200
/** Reserved for the note that `parse` appends to a cut string, so that it is not cut again. */
const CUT_NOTE_CHARS = 64
/** The maximum length of a marker's text. */
const MAX_MARK_TEXT_CHARS = 256
const BIGINT_LIMIT = 10n ** BigInt(MAX_BIGINT_DIGITS)
const UNDEFINED_JSON = '{"$":"undefined"}'

/**
 * Converts any value to JSON text, for {@link parse}. Throws for no value. JSON values are written as in plain JSON, anything else as an
 * object whose key `$` names its kind. A data key `$`, `$$`, … is written with one more `$`, so that the two cannot be confused.
 *
 * - Restored by `parse`: `undefined`, `NaN`, the infinities, `-0`, BigInt, Date, Error (see {@link encoder}), Map, Set.
 * - Cut: strings longer than `limit`.
 * - Restored as {@link Marked}: values that are not data, e.g. functions.
 *
 * @throws ChaintapError `invalid_options` if `limit` is below 128
 * @example
 * stringify({ since: new Date(0), cost: undefined }) // {"since":{"$":"date","text":"1970-01-01T00:00:00.000Z"},"cost":{"$":"undefined"}}
 */
export function stringify(value: unknown, options: JsonOptions = {}): string {
  return new JsonWriter(resolveStringLimit(options)).write(value)
}

/** Returns the limit. Throws if it is below 128. */
export function resolveStringLimit({ limit = 262_144 }: JsonOptions): number {
  if (limit >= 128) return limit
  throw new ChaintapError('invalid_options', `limit must be at least 128 characters, but is ${limit}.`)
}

class JsonWriter {
  readonly #limit: number
  /** The characters that may still be written. */
  #remainingChars: number
  /** The objects that enclose the current value, outermost first. */
  readonly #path: object[] = []

  constructor(limit: number) {
    this.#limit = limit
    this.#remainingChars = limit * 64
  }

  write(value: unknown): string {
    // Bounds the total: an object with many references is written once per reference.
    if ((this.#remainingChars -= 8) < 0) return encodeMark('size', `more than ${this.#limit * 64} characters`)
    switch (typeof value) {
      case 'string':
        return this.#writeString(value)
      case 'number':
        return Number.isFinite(value) ? (Object.is(value, -0) ? '-0' : String(value)) : encodeMark('number', String(value))
      case 'boolean':
        return String(value)
      case 'undefined':
        return UNDEFINED_JSON
      case 'bigint':
        return encodeBigInt(value)
      case 'object':
        return value === null ? 'null' : this.#writeObject(value)
      case 'symbol':
        return encodeMark('symbol', value.description ?? '')
      default:
        return encodeMark('function', functionName(value))
    }
  }

  #writeString(text: string): string {
    this.#remainingChars -= text.length
    if (text.length <= this.#limit) return JSON.stringify(text)
    const end = this.#limit - CUT_NOTE_CHARS
    // Cutting between the halves of a surrogate pair would leave a broken character.
    const kept = text.slice(0, (text.charCodeAt(end - 1) & 0xfc00) === 0xd800 ? end - 1 : end)
    return `{"$":"cut","text":${JSON.stringify(kept)},"cut":${text.length - kept.length}}`
  }

  #writeObject(value: object): string {
    const path = this.#path
    const index = path.indexOf(value)
    if (index !== -1) return encodeMark('cycle', `${path.length - index} up`)
    if (path.length === MAX_STRINGIFY_DEPTH) return encodeMark('depth', `${MAX_STRINGIFY_DEPTH} levels`)
    path.push(value)
    try {
      return this.#writeContent(value)
    } catch (error) {
      return encodeUnreadable(error)
    } finally {
      path.pop()
    }
  }

  #writeContent(value: object): string {
    if (Array.isArray(value)) return `[${this.#writeItems(value)}]`
    const prototype: unknown = Object.getPrototypeOf(value)
    // Plain objects of other realms (frames) have another Object.prototype; its prototype is null, too.
    const isPlain = prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
    const special = isPlain ? undefined : this.#writeBuiltin(value)
    if (special !== undefined) return special
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      const json: unknown = value.toJSON('')
      if (json !== value) return this.write(json)
    }
    return isPlain ? `{${this.#writeFields(value, Object.keys(value))}}` : encodeMark('instance', className(value))
  }

  #writeBuiltin(value: object): string | undefined {
    if (value instanceof Marked) return encodeMark(value.kind, value.text)
    if (value instanceof Date) return encodeMark('date', Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString())
    if (isError(value)) return `{"$":"error",${this.#writeFields(value, errorKeys(value), UNDEFINED_JSON)}}`
    if (value instanceof Map) return `{"$":"map","value":[${this.#writeItems([...value])}]}`
    if (value instanceof Set) return `{"$":"set","value":[${this.#writeItems([...value])}]}`
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
      return encodeMark('bytes', `${className(value)} of ${value.byteLength} bytes`)
    return undefined
  }

  // By index: holes read as undefined. At the size limit one marker replaces the rest: a sparse array can have 4 billion items.
  #writeItems(list: readonly unknown[]): string {
    let json = ''
    for (let i = 0, isOver = false; i < list.length && !isOver; i++) {
      isOver = this.#remainingChars < 0
      json += (i === 0 ? '' : ',') + this.#writeField(list, i)
    }
    return json
  }

  #writeFields(holder: object, keys: readonly string[], omitted?: string): string {
    let json = ''
    for (const key of keys) {
      const isOver = this.#remainingChars < 0
      this.#remainingChars -= key.length
      const value = this.#writeField(holder, key)
      if (value !== omitted) json += `${json === '' ? '' : ','}${encodeKey(key)}:${value}`
      if (isOver) break
    }
    return json
  }

  #writeField(holder: object, key: string | number): string {
    let value: unknown
    try {
      value = (holder as Record<string | number, unknown>)[key]
    } catch (error) {
      return encodeUnreadable(error)
    }
    return this.write(value)
  }
}

/** Errors of other realms (frames, vm contexts) are errors too. */
const isError = (value: object): boolean => value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'

/** The written properties of an error: all but the stack, which contains file paths. */
function errorKeys(error: object): readonly string[] {
  const own = Object.keys(error).filter((key) => key !== 'stack')
  return [...new Set(['name', 'message', 'cause', 'errors', ...own])]
}

const encodeKey = (key: string): string => JSON.stringify(key.charCodeAt(0) === 36 && /^\$+$/.test(key) ? `$${key}` : key)

const encodeMark = (kind: string, text: string): string =>
  `{"$":${JSON.stringify(kind)},"text":${JSON.stringify(text.slice(0, MAX_MARK_TEXT_CHARS))}}`

function encodeBigInt(value: bigint): string {
  return value >= BIGINT_LIMIT || value <= -BIGINT_LIMIT
    ? encodeMark('size', `a BigInt of more than ${MAX_BIGINT_DIGITS} digits`)
    : `{"$":"bigint","text":"${value}"}`
}

function encodeUnreadable(error: unknown): string {
  try {
    return encodeMark('unreadable', String(error))
  } catch {
    return encodeMark('unreadable', '')
  }
}

function functionName(value: unknown): string {
  const { name } = value as { name?: unknown }
  return typeof name === 'string' ? name : ''
}

const className = (value: object): string => (typeof value.constructor === 'function' ? functionName(value.constructor) : '')
