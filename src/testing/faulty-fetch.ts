import { ChaintapError } from '../core/errors.ts'
import type { FaultyAnswer } from './faulty-answer.ts'
import { type FakeRequest, type FetchLike, readRequest } from './request.ts'
import { type ResponseObserver, respondFromScript } from './respond.ts'

/** A request as the fake server received it. */
export interface FaultyCall {
  /** The URL, with secrets in its query redacted. */
  readonly url: string
  /** The HTTP method, in upper case. */
  readonly method: string
  /** The headers by lower-case name. Those that hold keys, tokens or cookies are `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>
  /** The body, parsed if it is JSON, otherwise the text; `undefined` if there was none. */
  readonly body: unknown
}

/** The responses: one for all calls, one per call (the last one repeats), or a function of the request. */
export type FaultyScript = FaultyAnswer | readonly FaultyAnswer[] | ((call: FaultyCall, index: number) => FaultyAnswer)

/** A `fetch` that responds from a script and records what is done with its responses. Made by {@link faultyFetch}. */
export interface FaultyFetch extends FetchLike {
  /** The requests. A request whose signal is already aborted is not sent, as with `fetch`. */
  readonly calls: readonly FaultyCall[]
  /** How many times bodies were pulled, over all calls. */
  readonly pulls: number
  /** The reasons of the cancelled bodies. */
  readonly cancels: readonly unknown[]
  /** The reasons of the calls that their signal aborted, before or during the body. */
  readonly aborts: readonly unknown[]
  /** The number of open connections: not ended, failed, cancelled or aborted. */
  readonly open: number
}

/**
 * A scripted `fetch` that fails on demand: it cuts bodies at any byte, drops the connection, stalls, truncates, rejects, or ignores its
 * signal. It never reads ahead. Apart from its faults it follows the Fetch standard: an abort rejects with the signal's reason, and errors
 * a body that is being read.
 *
 * @throws ChaintapError `invalid_options`, when called, if the script has no response or `split` is less than 1.
 *
 * @example
 * const body = anthropicSse({ text: ['Hel', 'lo'] })
 * const fetch = faultyFetch([{ status: 529, body: '{"type":"error"}' }, { body, split: 'bytes', dropAfter: 400 }])
 * const claude = new ChatAnthropic({ apiKey: 'none', fetch })
 * for await (const delta of claude.stream('Hi')) break
 * fetch.open // 0: the connection was closed
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
  if (!answer)
    throw new ChaintapError('invalid_options', 'faultyFetch: the script is empty. Pass at least one response: faultyFetch([{ body }]).')
  return answer
}

/** Returns a request for the record, without secrets. */
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
