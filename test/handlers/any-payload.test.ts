// Handlers of this package accept events with payloads of any shape: those of runs elsewhere, and of calls that are about to fail.
import { ConsoleCallbackHandler, type Handler, lambda, type RunEvent, type RunKind, StringOutputParser, tap } from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import { TokenCounter } from 'chaintap/tokens'
import * as fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => vi.unstubAllGlobals())

const part = fc.oneof(
  fc.constantFrom(null, undefined, 'a', 1, [], { type: 'text' }, { type: 'text', text: null }, { type: 'text', text: 'a' }),
  fc.jsonValue(),
)
const message = fc.record(
  {
    role: fc.constantFrom('user', 'assistant', 'tool', 'critic', undefined, 1),
    content: fc.oneof(fc.array(part, { maxLength: 3 }), fc.constantFrom('a', undefined, null, 1, {})),
    toolCalls: fc.constantFrom([null], [{ name: 1 }], 'a', {}, null, [{ id: '1', name: 'a', args: {} }]),
  },
  { requiredKeys: [] },
)
const payload = fc.oneof(message, fc.array(fc.oneof(message, part), { maxLength: 3 }), fc.jsonValue(), fc.constant(undefined))
const kinds: readonly RunKind[] = ['chain', 'prompt', 'chat_model', 'llm', 'parser', 'tool', 'retriever', 'agent']

const handlers: readonly (readonly [string, () => Handler])[] = [
  ['ConsoleCallbackHandler', () => new ConsoleCallbackHandler({ write: () => {} })],
  ['ConsoleCallbackHandler, transcript', () => new ConsoleCallbackHandler({ style: 'transcript', write: () => {} })],
  ['TokenCounter', () => new TokenCounter()],
  ['onLlmStart', () => ({ onLlmStart: (prompt) => expect(prompt).toBeTypeOf('string') })],
]

test.each(handlers)('%s accepts inputs and outputs of any shape', async (_, create) => {
  await fc.assert(
    fc.asyncProperty(payload, payload, fc.constantFrom(...kinds), async (input, output, kind) => {
      const reported: unknown[] = []
      vi.stubGlobal('reportError', (error: unknown) => void reported.push(error))
      const run = { id: 'a', parentId: undefined, rootId: 'a', name: 'a', kind, tags: [], metadata: {} }
      const prompt = kind === 'llm' ? 'a' : input
      const events: readonly RunEvent[] = [
        { run, at: 1, seq: 0, type: 'start', input: prompt },
        { run, at: 1, seq: 1, type: 'end', output },
        { run: { ...run, id: 'b', rootId: 'b' }, at: 1, seq: 0, type: 'start', input: prompt },
        { run: { ...run, id: 'b', rootId: 'b' }, at: 1, seq: 1, type: 'error', error: output, partial: input },
      ]
      const stream = new ReadableStream<RunEvent>({
        start(controller) {
          for (const event of events) controller.enqueue(event)
          controller.close()
        },
      })
      await stream.pipeThrough(tap(create())).pipeTo(new WritableStream())
      expect(reported).toEqual([])
    }),
    { examples: [[[{ role: 'user', content: [null] }], { content: [null], toolCalls: [null] }, 'chat_model']] },
  )
})

test('content that is neither a text nor parts is refused by models and text parsers, with a typed error', async () => {
  for (const content of [[null], ['a'], [{ type: 'text' }], 1, {}]) {
    const model = scriptedModel([['a']])
    await expect(model.invoke([{ role: 'user', content }] as never)).rejects.toMatchObject({ code: 'invalid_message' })
    const chain = lambda(() => ({ role: 'assistant', content })).pipe(new StringOutputParser() as never)
    await expect(chain.invoke('x')).rejects.toMatchObject({ code: 'invalid_input' })
  }
})
