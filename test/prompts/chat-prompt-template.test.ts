import { ChatPromptTemplate, MessagesPlaceholder, type RunEvent } from 'chaintap'
import { describe, expect, it } from 'vitest'

describe('a chat prompt', () => {
  it('of one template is one message of the user', async () => {
    expect(await ChatPromptTemplate.fromTemplate('A joke about {animal}').invoke({ animal: 'bears' })).toEqual([
      { role: 'user', content: 'A joke about bears' },
    ])
  })

  it('is one run that starts with the input and ends with the messages', async () => {
    const heard: RunEvent[] = []
    await ChatPromptTemplate.fromTemplate('Hi').invoke({}, { callbacks: [(event) => void heard.push(event)] })
    expect(heard).toMatchObject([
      { type: 'start', input: {}, run: { name: 'ChatPromptTemplate', kind: 'prompt' } },
      { type: 'end', output: [{ role: 'user', content: 'Hi' }] },
    ])
  })

  it('streams its messages as one chunk', async () => {
    const chunks: unknown[] = []
    for await (const chunk of ChatPromptTemplate.fromTemplate('Hi').stream({})) chunks.push(chunk)
    expect(chunks).toEqual([[{ role: 'user', content: 'Hi' }]])
  })

  it('carries callbacks, tags and metadata of its own', async () => {
    const heard: string[] = []
    const options = { callbacks: [(event: RunEvent) => void heard.push(event.type)], tags: ['t'], metadata: { m: 1 } }
    const run = ChatPromptTemplate.fromMessages(['Hi'], options).stream({})
    await run.drain()
    expect(heard).toEqual(['start', 'end'])
    expect(run.run).toMatchObject({ tags: ['t'], metadata: { m: 1 } })
  })
})

describe('a placeholder', () => {
  const prompt = ChatPromptTemplate.fromMessages([['system', 'Be brief.'], new MessagesPlaceholder('history'), '{question}'])

  it('is filled with messages of any form, which are not templates', async () => {
    expect(await prompt.invoke({ question: 'Why?', history: ['{a', ['ai', '{question}'], { role: 'human', content: '}' }] })).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '{a' },
      { role: 'assistant', content: '{question}' },
      { role: 'user', content: '}' },
      { role: 'user', content: 'Why?' },
    ])
  })

  it('must be given', async () => {
    await expect(prompt.invoke({ question: 'Why?' } as never)).rejects.toMatchObject({
      code: 'missing_variable',
      message: expect.stringContaining('misses "history"'),
    })
  })

  it('that is the only variable takes the list alone', async () => {
    const only = ChatPromptTemplate.fromMessages([new MessagesPlaceholder('messages')])
    expect(await only.invoke([['user', 'Hi']])).toEqual([{ role: 'user', content: 'Hi' }])
  })

  it('does not take a text', async () => {
    await expect(prompt.invoke({ question: 'Why?', history: 'Hi' } as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('"history" takes a list of messages, but got a string'),
    })
  })

  it('tells of a wrong message in its list', async () => {
    await expect(prompt.invoke({ question: 'Why?', history: [['bot', 'Hi']] } as never)).rejects.toMatchObject({ code: 'invalid_message' })
  })
})

describe('a value filled in by partial()', () => {
  it('is no input any more, for texts and for placeholders', async () => {
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
