import { Flow } from 'chaintap/advanced'
import { describe, expect, test } from 'vitest'
import { sseDataStage } from '../../../src/models/http/sse.ts'
import { counted, readAll } from '../../support/sources.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Returns the data of the emitted events, and the error. */
async function decode(chunks: readonly Uint8Array[], options?: Parameters<typeof sseDataStage>[0]) {
  const flow = Flow.from(counted(chunks).stream).through<string>(sseDataStage(options))
  async function* events() {
    for (let batch = await flow.next(); batch; batch = await flow.next()) yield* batch
  }
  const { chunks: data, error } = await readAll(events())
  return { data, error }
}

const cases: Readonly<Record<string, readonly [stream: string, data: readonly string[]]>> = {
  'LF, CRLF and CR line ends, mixed': ['data: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata: 4\n\r\n', ['1', '2', '3', '4']],
  'one byte order mark at the front': ['\uFEFFdata: 1\n\n', ['1']],
  'one byte order mark only: a second is part of the name': ['\uFEFF\uFEFFdata: 1\n\ndata: 2\n\n', ['2']],
  'data in several lines': ['data: 1\ndata: 2\n\n', ['1\n2']],
  'comments, names, ids and unknown fields': [': hello\nevent: x\nid: 7\nfoo: bar\ndata: 1\n\n', ['1']],
  'characters of several bytes': ['data: Grüße€😀\n\n', ['Grüße€😀']],
  'no other separators than the three line ends': ['data: a\u2028b\u0085c\n\n', ['a\u2028b\u0085c']],
  'events without data, dropped': ['event: ping\n\ndata\n\ndata:\n\ndata: 1\n\n', ['1']],
  'a last event without its blank line, if it is complete JSON': ['data: 1\n\ndata: {"a":1}', ['1', '{"a":1}']],
  'a last event without its blank line, if it is OpenAI’s [DONE]': ['data: 1\n\ndata: [DONE]\r', ['1', '[DONE]']],
  'a last event that is cut, dropped': ['data: 1\n\ndata: {"a":', ['1']],
  'an empty stream': ['', []],
  'an event named error': ['event: error\ndata: No\n\n', ['{"error":"No"}']],
  'an event named error, with an error': ['event: error\ndata: {"error":{"message":"No"}}\n\n', ['{"error":{"message":"No"}}']],
  'an event named error, with another object': ['event: error\ndata: {"message":"No"}\n\n', ['{"error":{"message":"No"}}']],
  'an event named error without data, dropped': ['event: error\n\n', []],
  'a line with an error': ['data: 1\n\nerror: {"message":"No"}\n\ndata: 2\n\n', ['1', '{"error":{"message":"No"}}', '2']],
  'a last line with an error': ['data: 1\n\nerror: No', ['1', '{"error":"No"}']],
  'JSON in no event, in one line or in several': ['{"a":1}\n\ndata: 1\n\n{\n  "a": {\n  }\n}\n', ['{"a":1}', '1', '{  "a": {  }}']],
  'other unknown lines, dropped': ['data: 1\n\nUpstream: "x"\n }\n<p>\n{"a":\n\ndata: 2\n\n', ['1', '2']],
}

describe('sseDataStage()', () => {
  test.each(Object.entries(cases))('%s: whole, and cut at every byte', async (_, [stream, data]) => {
    const bytes = bytesOf(stream)
    const cuts = Array.from(bytes, (_, at) => [bytes.slice(0, at), bytes.slice(at)])
    const bytewise = Array.from(bytes, (byte) => Uint8Array.of(byte))
    for (const chunks of [[bytes], bytewise, ...cuts]) expect(await decode(chunks)).toEqual({ data, error: undefined })
  })

  test('replaces invalid UTF-8 by U+FFFD, at the end of the stream too', async () => {
    const bytes = Uint8Array.of(...bytesOf('data: "a'), 0xff, ...bytesOf('"\n\ndata: "'), 0xe2, 0x82)
    expect(await decode([bytes])).toEqual({ data: ['"a\uFFFD"'], error: undefined })
  })

  test('throws event_too_large for an event over `limit`, after the events before it', async () => {
    const chunks = [bytesOf('data: 1\n\ndata: '), ...Array.from({ length: 20 }, () => bytesOf('x'.repeat(10)))]
    const { data, error } = await decode(chunks, { limit: 100 })
    expect(data).toEqual(['1'])
    expect(error).toMatchObject({ code: 'event_too_large', message: expect.stringContaining('100 characters') })
  })

  test('an endless unknown line takes no memory, and no quadratic time', async () => {
    const line = Array.from({ length: 2_000 }, () => bytesOf('{'.repeat(1_000)))
    expect(await decode([...line, bytesOf('\n\ndata: 1\n\n')])).toEqual({ data: ['1'], error: undefined })
    expect((await decode([bytesOf(`${'{"a":\n}\n'.repeat(20_000)}\ndata: 1\n\n`)])).data).toEqual(['1'])
  })

  test('allows many events that together exceed `limit`', async () => {
    const chunks = Array.from({ length: 50 }, () => bytesOf('data: 0123456789\n\n'))
    expect((await decode(chunks, { limit: 100 })).error).toBeUndefined()
  })
})
