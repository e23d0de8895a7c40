import { type AssistantMessage, type Delta, lambda, messageFold, type RunEvent, type RunKind, Runnable, StringOutputParser } from 'chaintap'
import { Flow } from 'chaintap/advanced'
import { describe, expect, it } from 'vitest'

const parser = new StringOutputParser()

/** A chat model that says these deltas. */
class Sayer extends Runnable<string, AssistantMessage, Delta> {
  readonly name = 'Sayer'
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
  it('gives the texts of a model as they come, and nothing else', async () => {
    expect(await chunksOf(new Sayer(deltas).pipe(parser))).toEqual(['Hel', 'lo'])
  })

  it('gives the same as one string to who asks for the whole', async () => {
    expect(await new Sayer(deltas).pipe(parser).invoke('x')).toBe('Hello')
  })

  it('takes a message or a string by itself', async () => {
    expect(await parser.invoke('Hi')).toBe('Hi')
    expect(await parser.invoke({ role: 'assistant', content: 'Hi' })).toBe('Hi')
    const content = [
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'H' },
      { type: 'text', text: 'i' },
    ] as const
    expect(await parser.invoke({ role: 'assistant', content })).toBe('Hi')
  })

  it('takes the whole message of a step that does not stream, and strings of one that does', async () => {
    expect(await chunksOf(lambda((content: string): AssistantMessage => ({ role: 'assistant', content })).pipe(parser))).toEqual(['x'])
    const twice = lambda(function* (said: string) {
      yield `${said} `
      yield said
    })
    expect(await chunksOf(twice.pipe(parser))).toEqual(['x ', 'x'])
  })

  it('gives an empty string where nothing was said', async () => {
    expect(await parser.invoke({ role: 'assistant', content: '' })).toBe('')
    expect(await new Sayer([{ type: 'stop', reason: 'end_turn' }]).pipe(parser).invoke('x')).toBe('')
  })

  it('is a run of kind parser whose output is the text', async () => {
    const heard: RunEvent[] = []
    await parser.invoke('Hi', { callbacks: [(event) => void heard.push(event)] })
    expect(heard).toMatchObject([
      { type: 'start', input: 'Hi', run: { name: 'StringOutputParser', kind: 'parser' } },
      { type: 'end', output: 'Hi' },
    ])
  })

  it.each([
    [5, 'a number'],
    [null, 'null'],
    [{ animal: 'bears' }, 'an object with animal'],
  ])('says what it takes when it gets %j', async (input, told) => {
    await expect(parser.invoke(input as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(`but got ${told}`),
    })
  })
})
