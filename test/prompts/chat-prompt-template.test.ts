import { ChatPromptTemplate, MessagesPlaceholder, PromptTemplate, type RunEvent } from 'chaintap'
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

describe('images of a message template', () => {
  it('are templates in their URL, data and media type; reasoning and blocks are not', async () => {
    const block = { type: 'block', provider: 'anthropic', block: { data: '{no}' } } as const
    const prompt = ChatPromptTemplate.fromMessages([
      [
        'human',
        [
          { type: 'image', data: '{photo}', mediaType: 'image/{kind}' },
          { type: 'image', url: 'data:image/png;base64,{photo}' },
          { type: 'image', data: 'aGk=', mediaType: 'image/gif' },
          { type: 'reasoning', text: '{no}' },
          block,
        ],
      ],
    ])
    expect(prompt.inputVariables).toEqual(['photo', 'kind'])
    expect(await prompt.format({ photo: 'AAAA', kind: 'webp' })).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', data: 'AAAA', mediaType: 'image/webp' },
          { type: 'image', url: 'data:image/png;base64,AAAA' },
          { type: 'image', data: 'aGk=', mediaType: 'image/gif' },
          { type: 'reasoning', text: '{no}' },
          block,
        ],
      },
    ])
  })
})

describe('a ChatPromptTemplate in a ChatPromptTemplate', () => {
  const rules = ChatPromptTemplate.fromMessages([
    ['system', 'Be {mood} in {language}.'],
    ['placeholder', '{examples}'],
  ])

  it('stands for its messages and requires their variables, at any depth', async () => {
    const inner = ChatPromptTemplate.fromMessages([rules, ['ai', 'I am {mood}.']])
    const outer = ChatPromptTemplate.fromMessages(['{mood}?', inner, '{q}'])
    expect(outer.inputVariables).toEqual(['mood', 'language', 'q'])
    expect(await outer.invoke({ mood: 'merry', language: 'French', q: 'Why?', examples: ['{x}'] })).toEqual([
      { role: 'user', content: 'merry?' },
      { role: 'system', content: 'Be merry in French.' },
      { role: 'user', content: '{x}' },
      { role: 'assistant', content: 'I am merry.' },
      { role: 'user', content: 'Why?' },
    ])
  })

  it('fills in for the whole prompt what its partial() has filled in, as in LangChain', async () => {
    let calls = 0
    const filled = rules.partial({ language: async () => `French ${++calls}`, examples: ['An example.'] })
    const outer = ChatPromptTemplate.fromMessages([filled, '{q} ({language})', filled])
    expect(outer.inputVariables).toEqual(['mood', 'q'])
    expect((await outer.format({ mood: 'brief', q: 'Why?' })).map(({ content }) => content)).toEqual([
      'Be brief in French 1.',
      'An example.',
      'Why? (French 1)',
      'Be brief in French 1.',
      'An example.',
    ])
    expect((await outer.partial({ mood: 'calm' }).format('Why?')).at(0)).toMatchObject({ content: 'Be calm in French 2.' })
    expect(rules.inputVariables).toEqual(['mood', 'language'])
  })

  it('throws invalid_template if two prompts fill in one variable differently, or use it for different things', () => {
    const [french, dutch] = [rules.partial({ language: 'French' }), rules.partial({ language: 'Dutch' })]
    expect(() => ChatPromptTemplate.fromMessages([french, dutch])).toThrow('"language" is filled in by two prompts')
    expect(() => ChatPromptTemplate.fromMessages([rules, new MessagesPlaceholder('mood')])).toThrow('used both for text and for messages')
  })

  it('keeps options that are bound to the outer prompt, and emits one run', async () => {
    const events: RunEvent[] = []
    const inner = rules.withConfig({ callbacks: [() => expect.unreachable()] })
    const outer = ChatPromptTemplate.fromMessages([inner]).withConfig({ tags: ['outer'] })
    await outer.invoke({ mood: 'a', language: 'b' }, { callbacks: [(event) => void events.push(event)] })
    expect(events.map(({ type, run }) => [type, run.tags])).toEqual([
      ['start', ['outer']],
      ['end', ['outer']],
    ])
  })

  it('rejects a text prompt, and a function', () => {
    for (const wrong of [PromptTemplate.fromTemplate('{q}'), () => []])
      expect(() => ChatPromptTemplate.fromMessages([wrong as never])).toThrow(expect.objectContaining({ code: 'invalid_message' }))
  })
})
