import { type Runnable, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { anthropicSse, type FaultyAnswer, type FaultyFetch, faultyFetch, openaiSse } from 'chaintap/testing'
import fc from 'fast-check'
import type { Talker } from './sources.ts'

/** A model over HTTP: how its response ends, and how many microtasks after the response the whole chain is stopped. */
export interface HttpSpec {
  readonly is: 'http'
  readonly provider: 'anthropic' | 'openai'
  readonly answers: 'well' | 'drops' | 'truncated' | 'stalls' | 'withholds' | 'refuses' | 'real'
  readonly stopsAfter: number | undefined
}

/** What a chain reads from, and the controller that stops it. */
export interface Sources {
  readonly talkers: Talker[]
  readonly fetches: FaultyFetch[]
  readonly abort: AbortController
  /** Fetches a text for the models that use a real fetch. */
  readonly fetchText: FetchText
}

/** A real fetch of a response with this text. Only its body rejects a read after an abort in the same turn. */
export type FetchText = (text: string, signal: AbortSignal | undefined) => Promise<Response>

/** Random models over HTTP. */
export const httpSpec: fc.Arbitrary<HttpSpec> = fc.record({
  is: fc.constant('http'),
  provider: fc.constantFrom('anthropic', 'openai'),
  answers: fc.constantFrom('well', 'well', 'drops', 'truncated', 'stalls', 'withholds', 'refuses', 'real', 'real'),
  stopsAfter: fc.option(fc.nat(12), { freq: 2, nil: undefined }),
})

const models = {
  anthropic: { Model: ChatAnthropic, body: anthropicSse({ text: ['a', ' b'] }) },
  openai: { Model: ChatOpenAI, body: openaiSse({ text: ['a', ' b'] }) },
}

/** A model that answers with text over a scripted fetch or a real one. */
export function httpModel(
  { provider, answers, stopsAfter }: HttpSpec,
  { fetches, abort, fetchText }: Sources,
): Runnable<string, string, string> {
  const { Model, body } = models[provider]
  const faulty = faultyFetch(faultyAnswer(answers, body))
  fetches.push(faulty)
  const stoppingFetch: typeof fetch = async (url, init) => {
    const response = await (answers === 'real' ? fetchText(body.join(''), init?.signal ?? undefined) : faulty(url, init))
    if (stopsAfter !== undefined) void microtasks(stopsAfter).then(() => abort.abort(new Error('after the response')))
    return response
  }
  return new Model({ apiKey: 'a-key', model: 'a-model', maxRetries: 0, dangerouslyAllowBrowser: true, fetch: stoppingFetch }).pipe(
    new StringOutputParser(),
  )
}

function faultyAnswer(answers: HttpSpec['answers'], body: readonly string[]): FaultyAnswer {
  const size = body.join('').length
  if (answers === 'drops') return { body, dropAfter: size >> 1 }
  if (answers === 'truncated') return { body, truncateAfter: size >> 1 }
  if (answers === 'stalls') return { body, stallAfter: size >> 1 }
  if (answers === 'withholds') return { stallBeforeHeaders: true }
  return answers === 'refuses' ? { status: 500, body: '{"error":{"type":"api_error","message":"no"}}' } : { body }
}

/** Resolves after `count` microtasks. */
export async function microtasks(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await Promise.resolve()
}
