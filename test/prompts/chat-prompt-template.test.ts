import { ChaintapError, ChatPromptTemplate, type ChatTemplate, literal, MessagesPlaceholder, type RunEvent, userMessage } from 'chaintap'
import { describe, expect, it } from 'vitest'

const made = (messages: readonly unknown[]) => new ChatPromptTemplate(messages as readonly ChatTemplate[])

describe('a chat prompt', () => {
  it('of one template is one message of the user', async () => {
    expect(await ChatPromptTemplate.fromTemplate('A joke about {animal}').invoke({ animal: 'bears' })).toEqual([
      { role: 'user', content: 'A joke about bears' },
    ])
  })

  it('takes a message in every form, and fills in all of them', async () => {
    const prompt = ChatPromptTemplate.fromMessages([
      'one {x}',
      ['system', 'two {x}'],
      ['human', 'three {x}'],
      { role: 'ai', content: 'four {x}', id: 'msg' },
      userMessage('five {x}'),
      { role: 'tool', content: 'six {x}', toolCallId: '{x}' },
    ])
    expect(await prompt.invoke({ x: '1' })).toEqual([
      { role: 'user', content: 'one 1' },
      { role: 'system', content: 'two 1' },
      { role: 'user', content: 'three 1' },
      { role: 'assistant', content: 'four 1', id: 'msg' },
      { role: 'user', content: 'five 1' },
      { role: 'tool', content: 'six 1', toolCallId: '{x}' },
    ])
  })

  it('fills in texts and image addresses of parts, and nothing else of them', async () => {
    const reasoning = { type: 'reasoning', text: '{x}', signature: '{x}' } as const
    const prompt = ChatPromptTemplate.fromMessages([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is {x}?', cacheControl: { type: 'ephemeral' } },
          { type: 'image', url: 'https://example.com/{file}.jpg' },
          { type: 'image', data: 'e30=', mediaType: 'image/png' },
        ],
      },
      { role: 'assistant', content: [reasoning] },
    ])
    expect(await prompt.invoke({ x: 'this', file: 'bear' })).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?', cacheControl: { type: 'ephemeral' } },
          { type: 'image', url: 'https://example.com/bear.jpg' },
          { type: 'image', data: 'e30=', mediaType: 'image/png' },
        ],
      },
      { role: 'assistant', content: [reasoning] },
    ])
  })

  it('takes a literal message as it is', async () => {
    const prompt = ChatPromptTemplate.fromMessages([literal(['system', 'Write { "joke": string }.']), 'About {animal}'])
    expect(prompt.inputVariables).toEqual(['animal'])
    expect(await prompt.invoke({ animal: 'bears' })).toEqual([
      { role: 'system', content: 'Write { "joke": string }.' },
      { role: 'user', content: 'About bears' },
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

  it.each([
    ['optional', ChatPromptTemplate.fromMessages([new MessagesPlaceholder('history', { optional: true }), 'Hi'])],
    ['written short', ChatPromptTemplate.fromMessages([['placeholder', '{history}'], 'Hi'])],
  ])('that is %s may be left out, and is not asked for', async (_, optional) => {
    expect(optional.inputVariables).toEqual([])
    expect(await optional.invoke({})).toEqual([{ role: 'user', content: 'Hi' }])
    expect(await optional.invoke({ history: ['Hello'] })).toHaveLength(2)
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

describe('a wrong chat prompt is told at construction', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['an unknown role', ['bot', 'Hi'], 'invalid_message', /"bot"/],
    ['a wrong template', ['system', 'a {'], 'invalid_template', /at 1:3/],
    ['a placeholder without braces', ['placeholder', 'history'], 'invalid_template', /"\{history\}", but got "history"/],
    ['no message', 5, 'invalid_message', /a number/],
    ['null', null, 'invalid_message', /null/],
  ])('%s', (_, message, code, told) => {
    expect(() => made([message])).toThrow(ChaintapError)
    expect(() => made([message])).toThrow(expect.objectContaining({ code, message: expect.stringMatching(told) }))
  })

  it('one name for a text and for messages', () => {
    expect(() => made(['{x}', new MessagesPlaceholder('x')])).toThrow(/"x" stands for text here and for messages there/)
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
