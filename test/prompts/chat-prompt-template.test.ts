import { ChatPromptTemplate, MessagesPlaceholder, type RunEvent } from 'chaintap'
import { describe, expect, it } from 'vitest'

describe('ChatPromptTemplate', () => {
  it('fromTemplate() creates one user message', async () => {
    expect(await ChatPromptTemplate.fromTemplate('A joke about {animal}').invoke({ animal: 'bears' })).toEqual([
      { role: 'user', content: 'A joke about bears' },
    ])
  })

  it('invoke() emits one run: start with the input, end with the messages', async () => {
    const events: RunEvent[] = []
    await ChatPromptTemplate.fromTemplate('Hi').invoke({}, { callbacks: [(event) => void events.push(event)] })
    expect(events).toMatchObject([
      { type: 'start', input: {}, run: { name: 'ChatPromptTemplate', kind: 'prompt' } },
      { type: 'end', output: [{ role: 'user', content: 'Hi' }] },
    ])
  })

  it('stream() yields the messages as one chunk', async () => {
    const chunks: unknown[] = []
    for await (const chunk of ChatPromptTemplate.fromTemplate('Hi').stream({})) chunks.push(chunk)
    expect(chunks).toEqual([[{ role: 'user', content: 'Hi' }]])
  })

  it("applies the constructor's callbacks, tags and metadata to its run", async () => {
    const events: string[] = []
    const options = { callbacks: [(event: RunEvent) => void events.push(event.type)], tags: ['t'], metadata: { m: 1 } }
    const run = ChatPromptTemplate.fromMessages(['Hi'], options).stream({})
    await run.drain()
    expect(events).toEqual(['start', 'end'])
    expect(run.run).toMatchObject({ tags: ['t'], metadata: { m: 1 } })
  })
})

describe('MessagesPlaceholder', () => {
  const prompt = ChatPromptTemplate.fromMessages([['system', 'Be brief.'], new MessagesPlaceholder('history'), '{question}'])

  it('inserts messages of any form without parsing them as templates', async () => {
    expect(await prompt.invoke({ question: 'Why?', history: ['{a', ['ai', '{question}'], { role: 'human', content: '}' }] })).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '{a' },
      { role: 'assistant', content: '{question}' },
      { role: 'user', content: '}' },
      { role: 'user', content: 'Why?' },
    ])
  })

  it('requires its variable in the input', async () => {
    await expect(prompt.invoke({ question: 'Why?' } as never)).rejects.toMatchObject({
      code: 'missing_variable',
      message: expect.stringContaining('missing variables "history"'),
    })
  })

  it('accepts the list itself as input if it is the only variable', async () => {
    const only = ChatPromptTemplate.fromMessages([new MessagesPlaceholder('messages')])
    expect(await only.invoke([['user', 'Hi']])).toEqual([{ role: 'user', content: 'Hi' }])
  })

  it('rejects a string with invalid_input', async () => {
    await expect(prompt.invoke({ question: 'Why?', history: 'Hi' } as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('"history": expected an array of messages, but received a string'),
    })
  })

  it('rejects an invalid message in its list with invalid_message', async () => {
    await expect(prompt.invoke({ question: 'Why?', history: [['bot', 'Hi']] } as never)).rejects.toMatchObject({ code: 'invalid_message' })
  })
})

describe('ChatPromptTemplate.partial()', () => {
  it('removes filled text variables and placeholders from the input', async () => {
    const prompt = ChatPromptTemplate.fromMessages([new MessagesPlaceholder('examples'), ['placeholder', '{more}'], '{mood} {animal}'])
    const filled = prompt.partial({ examples: [['ai', '{"a": 1}']], mood: async () => 'merry', more: ['more'] })
    expect(filled.inputVariables).toEqual(['animal'])
    expect(await filled.invoke('bears')).toEqual([
      { role: 'assistant', content: '{"a": 1}' },
      { role: 'user', content: 'more' },
      { role: 'user', content: 'merry bears' },
    ])
  })
})
