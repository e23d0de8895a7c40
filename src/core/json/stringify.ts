import { ChaintapError } from '../errors.ts'
import { DIGITS, Marked } from './marked.ts'

/** Options of {@link stringify} and of `encoder`. */
export interface JsonOptions {
  /**
   * How many characters of one string are kept, at least 128; the whole value may have 64 times as many. What is more is cut, and
   * marked. Default 262,144.
   */
  readonly limit?: number
}

/** Deeper than any data we know of, and far from what overflows a stack. */
const DEPTH = 200
/** Kept free for the note that reading puts behind a text that was cut, so that it is not cut again. */
const NOTE = 64
/** What is kept of the name of something that is no data. */
const NAME = 256
const HUGE = 10n ** BigInt(DIGITS)
const UNDEFINED = '{"$":"undefined"}'

/**
 * A value as JSON text; never throws. JSON values are written as JSON has them, anything else as an object whose key `$` says what it
 * is; a key of the data's own that is `$`, `$$` and so on gets one `$` more, so neither can be taken for the other.
 *
 * - comes back as it was: `undefined`, `NaN`, the infinities, `-0`, BigInt, Date, Error (see `encoder`), Map, Set
 * - comes back cut: a text longer than `limit`
 * - comes back as {@link Marked}: what is no data
 *
 * @throws ChaintapError `invalid_options` for a limit below 128
 * @example
 * stringify({ since: new Date(0), cost: undefined }) // {"since":{"$":"date","text":"1970-01-01T00:00:00.000Z"},"cost":{"$":"undefined"}}
 */
export function stringify(value: unknown, options: JsonOptions = {}): string {
  return new Writer(limitOf(options)).write(value)
}

/** The limit, checked. */
export function limitOf({ limit = 262_144 }: JsonOptions): number {
  if (limit >= 128) return limit
  throw new ChaintapError('invalid_options', `limit is ${limit}: give the characters to keep of one string, 128 or more.`)
}

class Writer {
  readonly #limit: number
  /** Characters that may still be written. */
  #room: number
  /** The objects that are being written, outermost first. */
  readonly #path: object[] = []

  constructor(limit: number) {
    this.#limit = limit
    this.#room = limit * 64
  }

  write(value: unknown): string {
    // An object that is referred to again and again is written each time: this bounds the whole.
    if ((this.#room -= 8) < 0) return mark('size', `more than ${this.#limit * 64} characters`)
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return Number.isFinite(value) ? (Object.is(value, -0) ? '-0' : String(value)) : mark('number', String(value))
      case 'boolean':
        return String(value)
      case 'undefined':
        return UNDEFINED
      case 'bigint':
        return bigint(value)
      case 'object':
        return value === null ? 'null' : this.#object(value)
      case 'symbol':
        return mark('symbol', value.description ?? '')
      default:
        return mark('function', nameIn(value))
    }
  }

  #text(text: string): string {
    this.#room -= text.length
    if (text.length <= this.#limit) return JSON.stringify(text)
    const end = this.#limit - NOTE
    // A cut between the halves of a surrogate pair would leave a broken character.
    const kept = text.slice(0, (text.charCodeAt(end - 1) & 0xfc00) === 0xd800 ? end - 1 : end)
    return `{"$":"cut","text":${JSON.stringify(kept)},"cut":${text.length - kept.length}}`
  }

  #object(value: object): string {
    const path = this.#path
    const above = path.indexOf(value)
    if (above !== -1) return mark('cycle', `${path.length - above} up`)
    if (path.length === DEPTH) return mark('depth', `${DEPTH} levels`)
    path.push(value)
    try {
      return this.#content(value)
    } catch (error) {
      return unreadable(error)
    } finally {
      path.pop()
    }
  }

  #content(value: object): string {
    if (Array.isArray(value)) return `[${this.#items(value)}]`
    const prototype: unknown = Object.getPrototypeOf(value)
    // Plain objects of other realms (frames) have another Object.prototype, but nothing above it either.
    const isPlain = prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
    const special = isPlain ? undefined : this.#special(value)
    if (special !== undefined) return special
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      const json: unknown = value.toJSON('')
      if (json !== value) return this.write(json)
    }
    return isPlain ? `{${this.#fields(value, Object.keys(value))}}` : mark('instance', className(value))
  }

  #special(value: object): string | undefined {
    if (value instanceof Marked) return mark(value.kind, value.text)
    if (value instanceof Date) return mark('date', Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString())
    if (isError(value)) return `{"$":"error",${this.#fields(value, evidenceOf(value), UNDEFINED)}}`
    if (value instanceof Map) return `{"$":"map","value":[${this.#items([...value])}]}`
    if (value instanceof Set) return `{"$":"set","value":[${this.#items([...value])}]}`
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return mark('bytes', `${className(value)} of ${value.byteLength} bytes`)
    return undefined
  }

  // By index: holes are read as undefined. Where the room ends one mark is written for the rest: a sparse array can be 4 billion long.
  #items(list: readonly unknown[]): string {
    let json = ''
    for (let i = 0, isOver = false; i < list.length && !isOver; i++) {
      isOver = this.#room < 0
      json += (i === 0 ? '' : ',') + this.#field(list, i)
    }
    return json
  }

  #fields(holder: object, keys: readonly string[], left?: string): string {
    let json = ''
    for (const key of keys) {
      const isOver = this.#room < 0
      this.#room -= key.length
      const value = this.#field(holder, key)
      if (value !== left) json += `${json === '' ? '' : ','}${quote(key)}:${value}`
      if (isOver) break
    }
    return json
  }

  #field(holder: object, key: string | number): string {
    let value: unknown
    try {
      value = (holder as Record<string | number, unknown>)[key]
    } catch (error) {
      return unreadable(error)
    }
    return this.write(value)
  }
}

/** Errors of other realms (frames, vm contexts) are errors too. */
const isError = (value: object): boolean => value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'

/** What of an error is written: all but the stack, which says where files lie on a machine. */
function evidenceOf(error: object): readonly string[] {
  const own = Object.keys(error).filter((key) => key !== 'stack')
  return [...new Set(['name', 'message', 'cause', 'errors', ...own])]
}

const quote = (key: string): string => JSON.stringify(key.charCodeAt(0) === 36 && /^\$+$/.test(key) ? `$${key}` : key)

const mark = (kind: string, text: string): string => `{"$":${JSON.stringify(kind)},"text":${JSON.stringify(text.slice(0, NAME))}}`

function bigint(value: bigint): string {
  return value >= HUGE || value <= -HUGE ? mark('size', `a BigInt of more than ${DIGITS} digits`) : `{"$":"bigint","text":"${value}"}`
}

function unreadable(error: unknown): string {
  try {
    return mark('unreadable', String(error))
  } catch {
    return mark('unreadable', '')
  }
}

function nameIn(value: unknown): string {
  const { name } = value as { name?: unknown }
  return typeof name === 'string' ? name : ''
}

const className = (value: object): string => (typeof value.constructor === 'function' ? nameIn(value.constructor) : '')
