import { type AssistantMessage, type Delta, lambda, messageFold, type RunEvent, type RunKind, Runnable, StringOutputParser } from 'chaintap'
import { Flow } from 'chaintap/advanced'
import { describe, expect, it } from 'vitest'

const parser = new StringOutputParser()

/** A chat model that streams these deltas. */
class FakeChatModel extends Runnable<string, AssistantMessage, Delta> {
  readonly name = 'FakeChatModel'
  readonly kind: RunKind = 'chat_model'
  readonly deltas: readonly Delta[]

  constructor(deltas: readonly Delta[]) {
    super()
    this.deltas = deltas
  }

  override open(): Flow<Delta> {
    const stream = new ReadableStream<readonly Delta[]>({
      start: (controller) => {
        controller.enqueue(this.deltas)
        controller.close()
      },
    })
    return Flow.from(stream).through<Delta>(
      {
        transform(deltas, controller) {
          for (const delta of deltas) controller.enqueue(delta)
        },
      },
      messageFold,
    )
  }
}

const deltas: readonly Delta[] = [
  { type: 'meta', id: 'msg', model: 'm' },
  { type: 'reasoning', text: 'hm' },
  { type: 'text', text: 'Hel' },
  { type: 'text', text: '' },
  { type: 'text', text: 'lo' },
  { type: 'tool-call', index: 0, id: 'a', name: 'now' },
  { type: 'usage', usage: { outputTokens: 2 } },
  { type: 'stop', reason: 'end_turn' },
]

async function chunksOf(runnable: Runnable<string, string>): Promise<unknown[]> {
  const chunks: unknown[] = []
  for await (const chunk of runnable.stream('x')) chunks.push(chunk)
  return chunks
}

describe('StringOutputParser', () => {
  it('streams the text deltas of a model and drops all others', async () => {
    expect(await chunksOf(new FakeChatModel(deltas).pipe(parser))).toEqual(['Hel', 'lo'])
  })

  it('invoke() resolves to the complete text', async () => {
    expect(await new FakeChatModel(deltas).pipe(parser).invoke('x')).toBe('Hello')
  })

  it('accepts a message or a string as input', async () => {
    expect(await parser.invoke('Hi')).toBe('Hi')
    expect(await parser.invoke({ role: 'assistant', content: 'Hi' })).toBe('Hi')
    const content = [
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'H' },
      { type: 'text', text: 'i' },
    ] as const
    expect(await parser.invoke({ role: 'assistant', content })).toBe('Hi')
  })

  it('accepts messages of steps that do not stream and strings of steps that do', async () => {
    expect(await chunksOf(lambda((content: string): AssistantMessage => ({ role: 'assistant', content })).pipe(parser))).toEqual(['x'])
    const twice = lambda(function* (text: string) {
      yield `${text} `
      yield text
    })
    expect(await chunksOf(twice.pipe(parser))).toEqual(['x ', 'x'])
  })

  it('returns an empty string for an answer without text', async () => {
    expect(await parser.invoke({ role: 'assistant', content: '' })).toBe('')
    expect(await new FakeChatModel([{ type: 'stop', reason: 'end_turn' }]).pipe(parser).invoke('x')).toBe('')
  })

  it('emits a run of kind parser whose output is the text', async () => {
    const events: RunEvent[] = []
    await parser.invoke('Hi', { callbacks: [(event) => void events.push(event)] })
    expect(events).toMatchObject([
      { type: 'start', input: 'Hi', run: { name: 'StringOutputParser', kind: 'parser' } },
      { type: 'end', output: 'Hi' },
    ])
  })

  it.each([
    [5, 'a number'],
    [null, 'null'],
    [{ animal: 'bears' }, 'an object with animal'],
  ])('rejects the input %j with invalid_input', async (input, expected) => {
    await expect(parser.invoke(input as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(`but received ${expected}`),
    })
  })
})
