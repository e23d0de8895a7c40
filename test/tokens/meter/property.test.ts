import { meter, type UsageRecord } from 'chaintap/meter'
import { anthropicSse, openaiCompletionSse, openaiSse } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { weigh } from '../../../src/tokens/counter/estimate.ts'
import { urlOf } from '../../contracts/meter.ts'
import { type Expected, fixtures } from '../../support/fixtures.ts'
import { turn } from '../../support/sources.ts'

const encoder = new TextEncoder()

/** Bytes, cut at random positions. */
function cutUp(bytes: Uint8Array<ArrayBuffer>, cuts: readonly number[]): readonly Uint8Array<ArrayBuffer>[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.slice(at[index], end))
}

const reason = { reason: 'mine' }
const failure = new Error('lost')

type Ending = 'end' | 'cancel' | 'error' | 'abort'

interface Way {
  /** Chunks read before the reader ends it. */
  readonly reads: number
  readonly ending: Ending
  /** Concurrent reads. */
  readonly atOnce: number
  /** Whether the reader leaves while a read is pending. */
  readonly isWaiting: boolean
  /** Whether the source ignores the signal. */
  readonly isDeaf: boolean
}

/** What a reader of the body observes, and what the source observes of the reader. */
async function seen(
  wrap: (response: Response, signal: AbortSignal) => Promise<Response>,
  chunks: readonly Uint8Array<ArrayBuffer>[],
  type: string,
  way: Way,
) {
  const log: unknown[] = []
  const abort = new AbortController()
  const isLeft = way.ending === 'cancel' || way.ending === 'abort'
  let at = 0
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (!way.isDeaf) abort.signal.addEventListener('abort', () => controller.error(abort.signal.reason))
      },
      pull(controller) {
        log.push('pull')
        const chunk = chunks[at++]
        if (at > way.reads && isLeft && way.isWaiting) return new Promise(() => {})
        if (at > way.reads && way.ending === 'error') controller.error(failure)
        else if (chunk) controller.enqueue(chunk)
        else controller.close()
        return undefined
      },
      cancel: (given) => void log.push(['cancel', given]),
    },
    { highWaterMark: 0 },
  )
  const response = await wrap(new Response(body, { headers: { 'content-type': type } }), abort.signal)
  const reader = response.body?.getReader()
  // The chunk objects themselves, to be compared by identity.
  const read = async (): Promise<readonly [unknown, unknown]> =>
    reader?.read().then(
      ({ done, value }) => [done, value],
      (error: unknown) => ['failed', error],
    ) ?? ['no body', undefined]
  let goesOn = true
  for (let left = isLeft ? way.reads : Number.POSITIVE_INFINITY; goesOn && left > 0; left -= way.atOnce) {
    const reads = await Promise.all(Array.from({ length: Math.min(way.atOnce, left) }, read))
    log.push(...reads)
    goesOn = reads.every(([done]) => done === false)
  }
  const waiting = isLeft && way.isWaiting ? [read()] : []
  // Until the source is pulled.
  await turn()
  if (way.ending === 'abort') abort.abort(reason)
  if (way.ending === 'cancel' || (way.ending === 'abort' && way.isDeaf)) await reader?.cancel(reason)
  log.push(...(await Promise.all(waiting)))
  // The error of a fetch that follows its signal.
  if (way.ending === 'abort') log.push(await read())
  return log
}

/** The reason of an answer that is read to its end. */
const endOf = ({ complete, error }: Expected): string => (error ? 'error' : complete ? 'end' : 'truncated')

const ways: fc.Arbitrary<Way> = fc.record({
  reads: fc.nat(12),
  ending: fc.constantFrom<Ending>('end', 'cancel', 'error', 'abort'),
  atOnce: fc.integer({ min: 1, max: 4 }),
  isWaiting: fc.boolean(),
  isDeaf: fc.boolean(),
})

describe('meter() changes no bytes, chunks or reasons, and emits one record for each answer', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 40 })

  const same = async (
    url: string,
    type: string,
    bytes: Uint8Array<ArrayBuffer>,
    at: readonly number[],
    way: Way,
  ): Promise<UsageRecord[]> => {
    const records: UsageRecord[] = []
    const chunks = cutUp(bytes, at)
    const metered = (response: Response, signal: AbortSignal): Promise<Response> =>
      meter(
        async () => response,
        (record) => void records.push(record),
        { onDiagnostic() {} },
      )(url, { method: 'POST', signal })
    const [bare, through] = [await seen(async (response) => response, chunks, type, way), await seen(metered, chunks, type, way)]
    expect(through).toEqual(bare)
    const identical = through.every(
      (each, index) => !Array.isArray(each) || (bare[index] as unknown[]).every((part, i) => part === each[i]),
    )
    expect(identical).toBe(true)
    return records
  }

  test('for recorded answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fixtures), cuts, ways, async ({ bytes, expected }, at, way) => {
        const records = await same(urlOf(expected), expected.contentType, bytes, at, way)
        const [record, ...others] = records
        expect(others).toEqual([])
        // After the provider's end marker, the reason is `end`.
        expect([endOf(expected), way.ending]).toContain(record?.reason)
        if (way.ending === 'end') {
          expect(record?.reason).toBe(endOf(expected))
          expect(record?.usage ?? null).toEqual(expected.usage && expect.objectContaining(expected.usage))
        }
        // A partial answer has no figure that is higher than, or missing in, the whole one.
        const { source: _, requests: __, ...figures } = record?.usage ?? {}
        for (const [figure, value] of Object.entries(figures)) expect(value).toBeLessThanOrEqual(Number(expected.usage?.[figure]))
      }),
      { numRuns: 200 },
    )
    // One or two turns of the event loop for each.
  }, 60_000)

  test('for any body with any content type', async () => {
    const types = fc.constantFrom(
      'text/event-stream',
      'application/json',
      'application/x-ndjson',
      'application/vnd.amazon.eventstream',
      'text/html',
    )
    const broken = fc
      .tuple(fc.constantFrom(...fixtures), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 }))
      .map(([{ bytes }, changes]) => {
        const copy = bytes.slice()
        for (const [at, byte] of changes) copy[at % copy.length] = byte
        return copy
      })
    const bodies = fc.oneof(
      broken,
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
      fc.json().map((text) => encoder.encode(text)),
    )
    await fc.assert(
      fc.asyncProperty(bodies, types, cuts, ways, async (bytes, type, at, way) => {
        const records = await same('https://api.openai.com/v1/chat/completions', type, bytes, at, way)
        expect(records.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 200 },
    )
  }, 60_000)
})

describe('TextEventTemplate', () => {
  const odd = '"usage" "usage":{"prompt_tokens":9} \\ \\" [DONE] data:{} \u2028 世界 🌍 é 1 " message_stop {"a":" index \n\n'.split(' ')
  // By its first byte alone, a radical (U+2E80 to U+2FFF) has the weight of the characters before that range.
  const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 6 }), fc.constantFrom(...odd))
  const texts = fc.array(
    text.map((each) => each.replace(/[\u2e80-\u2fff]/g, '')),
    { maxLength: 60 },
  )
  const usage = { inputTokens: 1_234, outputTokens: 56 }
  /** How a server formats and pads JSON. */
  const writings: readonly ((event: string, random: () => number) => string)[] = [
    (event) => event,
    // As Python's json.dumps.
    (event) => event.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
    (event, random) => event.replace(/\}(\n\n)$/, `${' '.repeat(random() % 9)}}$1`),
    (event, random) =>
      event.includes('[DONE]') ? event : event.replace(/\}(\n\n)$/, `,"obfuscation":"${'aZ0+/=x'.repeat(2).slice(random() % 14)}"}$1`),
    (event, random) => event.replace(/^/, `id: ${random() % 2_000}\n`),
    (event) => event.replaceAll('\n', '\r\n'),
    (event) => event.replaceAll('\n', '\r'),
  ]
  const wires = { anthropic: anthropicSse, openai: openaiSse, completion: openaiCompletionSse } as const

  test('weighs matched events as parsing would, and skips no other event', async () => {
    await fc.assert(
      fc.asyncProperty(
        texts,
        fc.constantFrom<keyof typeof wires>('anthropic', 'openai', 'completion'),
        fc.nat(writings.length - 1),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        async (text, wire, writing, cuts, perEvent, random) => {
          const write = writings[writing] ?? ((event) => event)
          const events = wires[wire]({ text, usage, id: 'id_1', model: 'model-1' }).map((event) =>
            write(event, () => random.next().value ?? 0),
          )
          const bytes = encoder.encode(events.join(''))
          const chunks = perEvent ? events.map((event) => encoder.encode(event)) : cutUp(bytes, cuts)
          const records: UsageRecord[] = []
          const body = new ReadableStream<Uint8Array>({
            start(controller) {
              for (const chunk of chunks) controller.enqueue(chunk)
              controller.close()
            },
          })
          const fetch = meter(
            async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
            (record) => void records.push(record),
          )
          await (await fetch('https://proxy.example/')).arrayBuffer()
          expect(records).toMatchObject([
            { complete: true, reason: 'end', model: 'model-1', usage: { inputTokens: 1_234, outputTokens: 56 } },
          ])
          expect(records[0]?.outputWeight).toBeCloseTo(weigh(text.join('')), 6)
        },
      ),
      { numRuns: 300 },
    )
  })
})
