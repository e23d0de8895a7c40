import { ChaintapError } from '../core/errors.ts'
import type { FaultyAnswer } from './faulty-answer.ts'
import { type FakeRequest, type FetchLike, readRequest } from './request.ts'
import { type ResponseObserver, respondFromScript } from './respond.ts'

/** A request as the fake server got it. */
export interface FaultyCall {
  /** Keys in the query are redacted. */
  readonly url: string
  readonly method: string
  /** By lower-case name; those that carry keys, tokens or cookies say `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed where it is JSON, else the text; undefined where there was none. */
  readonly body: unknown
}

/** What each call is answered: the same for all, one each (the last one repeats), or by the request. */
export type FaultyScript = FaultyAnswer | readonly FaultyAnswer[] | ((call: FaultyCall, index: number) => FaultyAnswer)

/** A `fetch` that answers from a script, and its record of what was done with the answers. */
export interface FaultyFetch extends FetchLike {
  /** Requests that went out; one whose signal had aborted before never does. */
  readonly calls: readonly FaultyCall[]
  /** How often a body was pulled, over all calls. */
  readonly pulls: number
  /** The reasons of the bodies that were cancelled. */
  readonly cancels: readonly unknown[]
  /** The reasons of the calls that were aborted by their signal, before or within the body. */
  readonly aborts: readonly unknown[]
  /** Calls whose connection is open: not ended, failed, cancelled or aborted. */
  readonly open: number
}

/**
 * A scripted `fetch` that fails on demand: it cuts its bodies anywhere, drops, stalls, truncates, rejects, or is deaf to its signal.
 * Nothing is read ahead. Apart from its faults it behaves as the Fetch standard has it: an abort rejects with the signal's reason, and
 * errors a body that is being read.
 *
 * @throws {ChaintapError} `invalid_options`, when called, where the script has no answer or cuts a body into nothing.
 *
 * @example
 * const fetch = faultyFetch([{ status: 529, body: '{"type":"error"}' }, { body: anthropicSse({ text: ['Hel', 'lo'] }), split: 'bytes', dropAfter: 400 }])
 * const model = new ChatAnthropic({ apiKey: 'none', fetch })
 * for await (const delta of model.stream('Hi')) break
 * expect(fetch.open).toBe(0)
 */
export function faultyFetch(script: FaultyScript): FaultyFetch {
  const calls: FaultyCall[] = []
  const cancels: unknown[] = []
  const aborts: unknown[] = []
  const fetch: FetchLike = async (input, init) => {
    const request = await readRequest(input, init)
    const call = redactCall(request)
    const answer = selectFaultyAnswer(script, call, calls.length)
    if (!answer.deaf) request.signal?.throwIfAborted()
    calls.push(call)
    record.open++
    const watch: ResponseObserver = {
      onPull: () => record.pulls++,
      onClose(how, reason) {
        record.open--
        if (how === 'cancel') cancels.push(reason)
        if (how === 'abort') aborts.push(reason)
      },
    }
    return respondFromScript(answer, request.signal, watch)
  }
  const record = Object.assign(fetch, { calls, cancels, aborts, pulls: 0, open: 0 })
  return record
}

function selectFaultyAnswer(script: FaultyScript, call: FaultyCall, index: number): FaultyAnswer {
  if (typeof script === 'function') return script(call, index)
  const answers = Array.isArray(script) ? (script as readonly FaultyAnswer[]) : [script as FaultyAnswer]
  const answer = answers[Math.min(index, answers.length - 1)]
  if (!answer) throw new ChaintapError('invalid_options', 'faultyFetch was given no answers. Give at least one: faultyFetch([{ body }]).')
  return answer
}

/** The request as it goes on record. */
const redactCall = ({ url, method, headers, body }: FakeRequest): FaultyCall => ({
  url: redactUrl(url),
  method,
  headers: redactHeaders(headers),
  body,
})

const secretNamePattern: RegExp = /auth|key|token|secret|cookie/i

const redactUrl = (url: string): string =>
  url.replace(/([?&])([^=&#]*)=[^&#]*/g, (pair, mark: string, name: string) =>
    secretNamePattern.test(name) ? `${mark}${name}=[redacted]` : pair,
  )

function redactHeaders(headers: Headers): Record<string, string> {
  const plain: Record<string, string> = {}
  headers.forEach((value, name) => {
    plain[name] = secretNamePattern.test(name) ? '[redacted]' : value
  })
  return plain
}
