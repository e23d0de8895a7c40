import { SECRET_NAME_SOURCE, SECRET_PATTERNS } from '../core/util/secrets.ts'
import type { LogRecord } from './record.ts'
import { type JsonRules, REDACTED, redactJson } from './redact-json.ts'

/** What of a record a log takes. */
export interface RulesOptions {
  /**
   * What else is a secret: a RegExp matches secrets in any text, a string names fields whose values are secret. Values of
   * `Authorization`, `Cookie`, `x-api-key`, `password` and their like, and what has the shape of a key, always are.
   */
  readonly redact?: readonly (RegExp | string)[]
  /** What of a record is kept; undefined: nothing. `withoutContent()` keeps lengths and times alone. A run's object must stay one object. */
  readonly keep?: (record: LogRecord) => LogRecord | undefined
}

/** The rules of one handle, applied before anything is buffered. */
export interface Rules {
  readonly keep: ((record: LogRecord) => LogRecord | undefined) | undefined
  /** A line without secrets. */
  readonly clean: (line: string) => string
  /** A text with its secrets covered, as long as it was. */
  readonly mask: (text: string) => string
}

const SECRET_NAME = new RegExp(`(?:${SECRET_NAME_SOURCE})$`, 'i')

export const createRules = ({ redact = [], keep }: RulesOptions): Rules => ({ keep, ...createSecretRedactor(redact) })

/**
 * Where this does not match in small letters there is nothing to look for: it takes half a microsecond for 300 characters, where the search
 * takes twenty. Each part begins with a letter that is rare and looks back from there; with the flag `i`, or looking back first, it is
 * ten times as slow.
 */
const POSSIBLE_SECRET =
  /k(?:ey(?<=(?:api|ss|te|[-_?&])key)|en(?<=(?:ss|th|sh|n|r|id|[-_?&])token)|ie(?<=ookie)|[-_](?<=[spr]k.)[\w*-]{8})|z(?:a(?<=aiza)|(?<=horiz))|j(?<=eyj)|cret(?<=secret)|[wp](?<=pass.)|ia[a-z\d]{12}|bearer|[?&]sig|@(?<=\/[^/\s@]{0,256}@)|[-_](?<=[a-z\d].)\w{16}/

/** What takes secrets out of lines of JSON and covers them in texts; `own` are rules beside ours. */
export function createSecretRedactor(own: readonly (RegExp | string)[]): Pick<Rules, 'clean' | 'mask'> {
  const names = new Set(own.flatMap((rule) => (typeof rule === 'string' ? [rule.toLowerCase()] : [])))
  const patterns = own.flatMap((rule) => (typeof rule === 'string' ? [] : [toGlobalRegExp(rule)]))
  const all = [...SECRET_PATTERNS, ...patterns]
  const isSuspect = (text: string): boolean => own.length > 0 || POSSIBLE_SECRET.test(text.toLowerCase())
  const replaced = (text: string, by: (secret: string) => string): string =>
    all.reduce((rest, pattern) => rest.replace(pattern, (secret) => (secret === '' ? '' : by(secret))), text)
  const json: JsonRules = {
    isSecretName: (name, isOwn) => SECRET_NAME.test(name) || (!isOwn && names.has(name.toLowerCase())),
    clean: (text) => replaced(inJson(text), () => REDACTED),
  }
  // A tool's arguments are one text.
  const inJson = (text: string): string => {
    try {
      return /^\s*[[{]/.test(text) ? redactJson(text, json, false) : text
    } catch {
      return text
    }
  }
  return {
    clean: (line) => (isSuspect(line) ? redactJson(line, json, true) : line),
    mask: (text) => (isSuspect(text) ? replaced(text, (secret) => '*'.repeat(secret.length)) : text),
  }
}

const toGlobalRegExp = ({ source, flags }: RegExp): RegExp => new RegExp(source, `${flags.replace(/[gy]/g, '')}g`)
