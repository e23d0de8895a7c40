import type { Delta } from '../core/delta.ts'
import { ChaintapError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { Usage } from '../core/usage.ts'

/**
 * One response of the script: text in one token or in several, any Deltas, or a failure. An Error alone fails the call before its first
 * token; `error` fails it after the tokens. Nothing is added: without Deltas for them, a response has no usage and no stop reason.
 */
export type ScriptedAnswer =
  | string
  | Error
  | readonly (string | Delta)[]
  | {
      /** The text in tokens, or any Deltas. */
      readonly tokens: readonly (string | Delta)[]
      /** The usage, reported after the tokens. */
      readonly usage?: Usage
      /** Thrown after the tokens. */
      readonly error?: Error
    }

/** A response per call, of which the last one repeats, or a function of the messages and the index of the call. */
export type ModelScript =
  | readonly ScriptedAnswer[]
  | ((messages: readonly Message[], index: number) => ScriptedAnswer | Promise<ScriptedAnswer>)

/** Returns the response of a call. */
export function selectScriptedAnswer(
  script: ModelScript,
  messages: readonly Message[],
  index: number,
): ScriptedAnswer | Promise<ScriptedAnswer> {
  if (typeof script === 'function') return script(messages, index)
  const answer = script[Math.min(index, script.length - 1)]
  if (answer === undefined)
    throw new ChaintapError('invalid_options', "scriptedModel: the script is empty. Pass at least one response: scriptedModel(['Hello']).")
  return answer
}

/** Yields the Deltas of a response, then throws its error, if any. */
export function* answerDeltas(answer: Exclude<ScriptedAnswer, Error>): Generator<Delta, void> {
  const { tokens, usage, error } = typeof answer === 'string' ? { tokens: [answer] } : 'tokens' in answer ? answer : { tokens: answer }
  for (const token of tokens) yield typeof token === 'string' ? { type: 'text', text: token } : token
  if (usage) yield { type: 'usage', usage }
  if (error) throw error
}
