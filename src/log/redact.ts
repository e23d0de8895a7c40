import { SECRET_NAME_SOURCE, SECRET_PATTERNS } from '../core/util/secrets.ts'
import type { LogRecord } from './record.ts'
import { type JsonRules, REDACTED, redactJson } from './redact-json.ts'

/** Options for what a log stores of each record. */
export interface RulesOptions {
  /**
   * Further secrets: a RegExp matches them in any text, a string names a field whose value is secret. Values of `Authorization`, `Cookie`,
   * `x-api-key`, `password` and similar names, and texts in the format of a known key, are always redacted.
   */
  readonly redact?: readonly (RegExp | string)[]
  /**
   * Maps a record before it is stored; `undefined` drops it. {@link withoutContent} keeps lengths and times only. The events of one run must
   * keep sharing one Run object.
   */
  readonly keep?: (record: LogRecord) => LogRecord | undefined
}

/** The rules of one handle, applied before a record is buffered. */
export interface Rules {
  readonly keep: ((record: LogRecord) => LogRecord | undefined) | undefined
  /** Removes secrets from a line of JSON. */
  readonly clean: (line: string) => string
  /** Masks secrets in a text; the length stays. */
  readonly mask: (text: string) => string
}

/** Matches names in the form of {@link toWords}. `tokens` is a count in most programs. */
const SECRET_NAME = new RegExp(
  `(?:${SECRET_NAME_SOURCE}|token|(?:^|_)(?:pass|pwd|jwt|(?:encryption|functions|master|service|signing|ssh)_keys?))$`,
)

/** No name is longer; a sentence in a list may be. */
const MAX_NAME_CHARACTERS = 100

/** Returns the words of a name: `apiToken`, `API_TOKEN` and `Api-Token` are `api_token`. Ignores characters without width, and full-width forms. */
const toWords = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Cf}+/gu, '')
    .replace(/(?<=[a-z\d])(?=[A-Z])|[^A-Za-z\d]+/g, '_')
    .toLowerCase()

export const createRules = ({ redact = [], keep }: RulesOptions): Rules => ({ keep, ...createSecretRedactor(redact) })

/**
 * A text that does not match this in lower case contains no secret. The test takes 0.5 µs for 300 characters, the full search 20 µs. Each
 * alternative begins with a rare letter and looks back from there; with the flag `i`, or with the lookbehind first, it is ten times as slow.
 */
export const POSSIBLE_SECRET: RegExp =
  /k(?:ey(?<=[\w?& -]key)|en(?<=token)(?!s)|ie(?<=ookie)|[-_](?<=[spr]k.)[\w*-]{8})|z(?:a(?<=aiza)|(?<=horiz))|j(?<=eyj)|cret(?<=secret)|[wp](?<=pass.)|wd(?<=pwd)|pass\W|wt(?<=jwt)|credential|ia[a-z\d]{12}|bearer|sig(?<=(?:[?&]|%3f|%26)sig)|@(?<=\/[^/\s@]*@)|[-_.](?<=(?:gsk|xai|plx|hf|r8|npm|sec|gh[oprsu]|pat|xox.|sg|ya29)[-_.])[\w-]{16}/

/** Returns the functions that remove or mask secrets; `own` are rules in addition to the built-in ones. */
export function createSecretRedactor(own: readonly (RegExp | string)[]): Pick<Rules, 'clean' | 'mask'> {
  const names = new Set(own.flatMap((rule) => (typeof rule === 'string' ? [rule.toLowerCase()] : [])))
  const patterns = own.flatMap((rule) => (typeof rule === 'string' ? [] : [toGlobalRegExp(rule)]))
  const all = [...SECRET_PATTERNS, ...patterns]
  const isSuspect = (text: string): boolean => own.length > 0 || POSSIBLE_SECRET.test(text.toLowerCase())
  const replaced = (text: string, by: (secret: string) => string): string =>
    all.reduce((rest, pattern) => rest.replace(pattern, (secret) => (secret === '' ? '' : by(secret))), text)
  const json: JsonRules = {
    isSecretName: (name, isOwn) =>
      // The text of a token event is a field of its record.
      (!(isOwn && name === 'token') && name.length <= MAX_NAME_CHARACTERS && SECRET_NAME.test(toWords(name))) ||
      (!isOwn && names.has(name.toLowerCase())),
    clean: (text) => replaced(inJson(text), () => REDACTED),
  }
  // The arguments of a tool call are JSON in a string.
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
