import { assistantMessage, type ChatInput, type Message, type Part, type Role, toolMessage, userMessage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { BrowserAI } from 'chaintap/browser-ai'
import { ChatOpenAI, OpenAI } from 'chaintap/openai'
import { anthropicJson, faultyFetch, openaiJson } from 'chaintap/testing'
import { WorkersAI } from 'chaintap/workers-ai'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeLanguageModel } from '../support/language-model.ts'
import { readAll } from '../support/sources.ts'
import { bindingOver, workersAIJson } from '../support/workers-ai.ts'

type Json = Readonly<Record<string, unknown>>
interface Body extends Json {
  readonly messages: readonly { readonly role: Role; readonly content: string | readonly Json[]; readonly [field: string]: unknown }[]
}
/** The arguments of the first call of a message in OpenAI's format. */
const argumentsOf = (message: Json | undefined): unknown => {
  const [call] = (message?.tool_calls ?? []) as readonly { readonly function: { readonly arguments: string } }[]
  return JSON.parse(call?.function.arguments ?? '')
}
const key = { apiKey: 'k', dangerouslyAllowBrowser: true } as const

async function toAnthropic(input: ChatInput, options: object = {}): Promise<Body> {
  const fetch = faultyFetch({ body: JSON.stringify(anthropicJson({ text: ['Hello'] })) })
  await new ChatAnthropic({ ...key, ...options, fetch }).invoke(input)
  return fetch.calls[0]?.body as Body
}

async function toOpenAI(input: ChatInput, options: object = {}): Promise<Body> {
  const fetch = faultyFetch({ body: JSON.stringify(openaiJson({ text: ['Hello'] })) })
  await new ChatOpenAI({ ...key, ...options, fetch }).invoke(input)
  return fetch.calls[0]?.body as Body
}

async function toWorkersAI(input: ChatInput, options: object = {}): Promise<Body> {
  const fetch = faultyFetch({ body: JSON.stringify(workersAIJson({ text: ['Hello'] })) })
  await new WorkersAI({ ...options, binding: bindingOver(fetch) }).invoke(input)
  return Object(fetch.calls[0]?.body).inputs as Body
}

async function toBrowser(input: ChatInput): Promise<Body> {
  const languageModel = fakeLanguageModel()
  await new BrowserAI({ languageModel }).invoke(input)
  return { messages: [...(languageModel.createCalls[0]?.initialPrompts ?? []), ...(languageModel.prompted[0]?.input ?? [])] as never }
}

const everywhere = { toAnthropic, toOpenAI, toWorkersAI }
const calls = (...ids: readonly string[]) => assistantMessage('', { toolCalls: ids.map((id) => ({ id, name: 'look', args: {} })) })
const image = { type: 'image', url: 'https://example.com/page.png' } as const

describe('tool calls and their results', () => {
  const roles = ({ messages }: Body) => messages.map((message) => (message.tool_call_id as string | undefined) ?? message.role)
  const blocks = ({ messages }: Body) =>
    messages.map(({ content }) => (content as readonly Json[]).map((block) => block.tool_use_id ?? block.type))

  test('results are sent directly after their calls, and what stood between them after the results', async () => {
    for (const conversation of [
      ['Hi', calls('a', 'b'), 'Hurry!', toolMessage('1', 'a'), toolMessage('2', 'b')],
      ['Hi', calls('a', 'b'), toolMessage('1', 'a'), 'Hurry!', toolMessage('2', 'b')],
      ['Hi', calls('a', 'b'), toolMessage('1', 'a'), toolMessage('2', 'b'), 'Hurry!'],
    ]) {
      expect(roles(await toOpenAI(conversation))).toEqual(['user', 'assistant', 'a', 'b', 'user'])
      expect(roles(await toWorkersAI(conversation))).toEqual(['user', 'assistant', 'a', 'b', 'user'])
      expect(blocks(await toAnthropic(conversation))).toEqual([['text'], ['tool_use', 'tool_use'], ['a', 'b', 'text']])
    }
  })

  test('a call without a result gets one that says so', async () => {
    const conversation = ['Hi', calls('a', 'b'), toolMessage('1', 'b'), 'Never mind.']
    const words = expect.stringContaining('no result')
    expect((await toOpenAI(conversation)).messages.slice(2, 4)).toEqual([
      { role: 'tool', tool_call_id: 'b', content: '1' },
      { role: 'tool', tool_call_id: 'a', content: words },
    ])
    expect((await toAnthropic(conversation)).messages[2]?.content).toMatchObject([
      { tool_use_id: 'b' },
      { tool_use_id: 'a', is_error: true, content: [{ text: words }] },
      { text: 'Never mind.' },
    ])
    expect(roles(await toOpenAI(['Hi', calls('a')]))).toEqual(['user', 'assistant', 'a'])
    expect((await toBrowser(conversation)).messages.map(({ content }) => content)).toEqual([
      'Hi',
      'Result of look({}): 1',
      expect.stringMatching(/^Result of look\(\{\}\): .*no result/),
      'Never mind.',
    ])
  })

  test('a result without a call is said in a user message', async () => {
    for (const content of ['1', [{ type: 'text', text: '1' } as const]]) {
      const conversation: ChatInput = [toolMessage(content, 'a'), 'Hi']
      expect((await toOpenAI(conversation)).messages).toEqual([
        { role: 'user', content: expect.stringMatching(/tool call a.*\n1$/) },
        { role: 'user', content: 'Hi' },
      ])
      expect(new Set(blocks(await toAnthropic(conversation)).flat())).toEqual(new Set(['text']))
    }
  })

  test('an id that occurs again belongs to the last call before the result', async () => {
    const conversation = ['Hi', calls('call_0'), toolMessage('1', 'call_0'), calls('call_0'), 'And?', toolMessage('2', 'call_0')]
    expect((await toOpenAI(conversation)).messages.map(({ role, content }) => (role === 'tool' ? content : role))).toEqual([
      'user',
      'assistant',
      '1',
      'assistant',
      '2',
      'user',
    ])
  })

  test('random conversations: every call has one result directly after it, and no text is lost', async () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd')
    const text = fc.uuid()
    const message: fc.Arbitrary<Message> = fc.oneof(
      text.map((value) => userMessage(value)),
      text.map((value) => assistantMessage(value)),
      fc
        .tuple(text, fc.uniqueArray(ids, { minLength: 1 }))
        .map(([value, own]) => assistantMessage(value, { toolCalls: own.map((id) => ({ id, name: 'look', args: {} })) })),
      fc.tuple(text, ids).map(([value, id]) => toolMessage(value, id)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 8 }), async (conversation) => {
        const [openai, anthropic] = [await toOpenAI(conversation), await toAnthropic(conversation)]
        for (const { content } of conversation) {
          for (const body of [openai, anthropic]) expect(JSON.stringify(body).split(content as string)).toHaveLength(2)
        }
        let open: string[] = []
        for (const { role, tool_calls, tool_call_id } of openai.messages) {
          if (role === 'tool') expect(open.splice(open.indexOf(tool_call_id as string), 1)).toEqual([tool_call_id])
          else {
            expect(open).toEqual([])
            open = ((tool_calls ?? []) as readonly { id: string }[]).map(({ id }) => id)
          }
        }
        expect(open).toEqual([])
        anthropic.messages.forEach(({ role, content }, index) => {
          if (index > 0) expect(role).not.toBe(anthropic.messages[index - 1]?.role)
          const uses = (content as readonly Json[]).flatMap(({ type, id }) => (type === 'tool_use' ? [id] : []))
          const next = (anthropic.messages[index + 1]?.content ?? []) as readonly Json[]
          expect(new Set(next.slice(0, uses.length).map((block) => block.tool_use_id))).toEqual(new Set(uses))
          expect(next.slice(uses.length).every(({ type }) => uses.length === 0 || type === 'text')).toBe(true)
        })
      }),
    )
  })

  test('arguments are sent as an object, whatever they are', async () => {
    for (const [args, sent] of [
      [{ q: 1 }, { q: 1 }],
      ['{"cut', { input: '{"cut' }],
      [[1], { input: [1] }],
      [null, {}],
      [undefined, {}],
    ] as const) {
      const conversation = ['Hi', assistantMessage('', { toolCalls: [{ id: 'a', name: 'look', args }] }), toolMessage('1', 'a')]
      const answer = (await toOpenAI(conversation)).messages[1]
      expect(argumentsOf(answer)).toEqual(sent)
      expect((await toAnthropic(conversation)).messages[1]?.content).toMatchObject([{ input: sent }])
    }
  })

  test('no field about tools is sent for an empty list of tools', async () => {
    const options = { tools: [], toolChoice: 'none', parallelToolCalls: false }
    for (const send of Object.values(everywhere)) {
      expect(Object.keys(await send('Hi', options)).filter((field) => field.includes('tool'))).toEqual([])
    }
  })
})

describe('parts', () => {
  test('images of tools follow the results in a user message where results hold text alone', async () => {
    const shot = (id: string, ...more: readonly Part[]) => toolMessage([...more, image], id)
    const url = { type: 'image_url', image_url: { url: image.url } }
    const conversation = ['Look', calls('a', 'b'), shot('a'), shot('b', { type: 'text', text: 'Page 2' }), 'Well?']
    for (const send of [toOpenAI, toWorkersAI]) {
      expect((await send(conversation)).messages.slice(2)).toEqual([
        { role: 'tool', tool_call_id: 'a', content: expect.stringContaining('user message') },
        { role: 'tool', tool_call_id: 'b', content: expect.stringMatching(/^Page 2\n.*user message/) },
        {
          role: 'user',
          content: [
            { type: 'text', text: expect.stringContaining('call a') },
            url,
            { type: 'text', text: expect.stringContaining('call b') },
            url,
          ],
        },
        { role: 'user', content: 'Well?' },
      ])
      expect((await send(conversation.slice(0, -1))).messages).toHaveLength(5)
    }
    expect((await toAnthropic(conversation)).messages[2]?.content).toMatchObject([
      { content: [{ type: 'image' }] },
      { tool_use_id: 'b' },
      {},
    ])
  })

  test('images have the media type that providers accept', async () => {
    const source = async (part: object): Promise<unknown> => {
      const input = [userMessage([{ type: 'image', ...part } as Part])]
      const [message] = (await toAnthropic(input)).messages
      const [block] = (message?.content ?? [{}]) as readonly [Json]
      const { data, media_type } = block.source as Json
      expect((await toOpenAI(input)).messages[0]?.content).toEqual([
        { type: 'image_url', image_url: { url: `data:${media_type as string};base64,${data as string}` } },
      ])
      return [media_type, data]
    }
    for (const [part, mediaType] of [
      [{ data: 'AAAA', mediaType: 'image/jpg' }, 'image/jpeg'],
      [{ data: 'AAAA', mediaType: 'IMAGE/PNG; charset=binary' }, 'image/png'],
      [{ data: 'data:image/png;base64,AAAA', mediaType: 'image/jpeg' }, 'image/png'],
      [{ data: 'AA\r\nAA\n', mediaType: 'image/png' }, 'image/png'],
      [{ url: 'data:image/jpg;base64,AAAA' }, 'image/jpeg'],
      [{ url: 'data:image/png;charset=utf-8;base64,AAAA' }, 'image/png'],
      [{ url: 'DATA:image/webp;BASE64,AAAA' }, 'image/webp'],
    ] as const) {
      expect(await source(part)).toEqual([mediaType, 'AAAA'])
    }
    for (const [data, mediaType] of [
      ['/9j/4AAQ', 'image/jpeg'],
      ['iVBORw0K', 'image/png'],
      ['R0lGODlh', 'image/gif'],
      ['UklGRiQA', 'image/webp'],
    ]) {
      expect(await source({ data, mediaType: 'image/png' })).toEqual([mediaType, data])
    }
    for (const url of ['data:image/svg+xml,%3Csvg/%3E', 'data:;base64,AAAA', 'data:nothing']) {
      const error = { code: 'invalid_message', message: expect.stringContaining('data:image/png;base64') }
      for (const send of Object.values(everywhere)) await expect(send([userMessage([{ type: 'image', url }])])).rejects.toMatchObject(error)
    }
  })

  test.each([
    { type: 'image_url', image_url: { url: image.url } },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    { type: 'image', image: 'AAAA' },
    { type: 'image', data: new Uint8Array(3), mediaType: 'image/png' },
    { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    { type: 'file', source_type: 'base64', mime_type: 'application/pdf', data: 'AAAA' },
    { type: 'constructor' },
    { type: 'text' },
    { type: 'block', provider: 'openai' },
    {},
    'Hi',
    null,
  ])('%j is an invalid_message error that says what a part is, without its content', async (part) => {
    for (const message of [userMessage, assistantMessage, (content: never) => toolMessage(content, 'a')]) {
      for (const send of [...Object.values(everywhere), toBrowser]) {
        const error: unknown = await send([message([{ type: 'text', text: 'See:' }, part] as never)]).catch((reason: unknown) => reason)
        expect(error).toMatchObject({ code: 'invalid_message', message: expect.stringMatching(/\{ type: 'image', url \}|array of parts/) })
        expect(String(error)).not.toContain('AAAA')
      }
    }
  })

  const foreign = { type: 'block', provider: 'other', block: { type: 'document' } } as const
  const reasoning = { type: 'reasoning', text: 'Hm.' } as const

  test.each<[Role, Part]>([
    ['system', image],
    ['system', foreign],
    ['system', reasoning],
    ['user', foreign],
    ['user', reasoning],
    ['tool', foreign],
    ['assistant', image],
  ])('in a %s message, a part without a form is an invalid_message error: %j', async (role, part) => {
    const content = [{ type: 'text', text: 'See:' }, part]
    const conversation =
      role === 'tool' ? ['Hi', calls('a'), { role, content, toolCallId: 'a' }, 'Well?'] : ['Hi', { role, content }, 'Well?']
    const error = {
      code: 'invalid_message',
      message: expect.stringMatching(`has no form for a .*(other|${part.type}).* in a ${role} message`),
    }
    for (const send of [...Object.values(everywhere), toBrowser]) await expect(send(conversation as never)).rejects.toMatchObject(error)
    if (role === 'assistant') return
    const fetch = faultyFetch({ body: '{}' })
    await expect(new OpenAI({ ...key, fetch }).invoke(conversation as never)).rejects.toMatchObject(error)
    expect(fetch.calls).toHaveLength(0)
  })

  test('working notes of another provider’s model are omitted: it goes on with a conversation', async () => {
    const conversation = ['Hi', assistantMessage([reasoning, foreign, { type: 'text', text: 'Hello' }]), 'And?']
    expect((await toAnthropic(conversation)).messages[1]?.content).toEqual([{ type: 'text', text: 'Hello' }])
    for (const send of [toOpenAI, toWorkersAI, toBrowser]) expect((await send(conversation)).messages[1]?.content).toBe('Hello')
  })
})

describe('texts', () => {
  test('an answer to continue is sent to Anthropic without blanks at its end; others are not changed', async () => {
    const last = async (content: string | readonly Part[]) => (await toAnthropic(['Hi', assistantMessage(content)])).messages[1]?.content
    expect(await last('The answer is: \n')).toEqual([{ type: 'text', text: 'The answer is:' }])
    expect(
      await last([
        { type: 'text', text: 'A ' },
        { type: 'text', text: '{\n' },
      ]),
    ).toMatchObject([{ text: 'A ' }, { text: '{' }])
    expect((await toAnthropic(['Hi', assistantMessage('Yes. '), 'And? '])).messages.map(({ content }) => content)).toEqual([
      [{ type: 'text', text: 'Hi' }],
      [{ type: 'text', text: 'Yes. ' }],
      [{ type: 'text', text: 'And? ' }],
    ])
  })

  test('half a surrogate pair becomes U+FFFD, wherever it is, and any other text stays as it is', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('\ud83d', '\udc3b', '\\', 'ud83d', '\\ud83d', '"', '\n', '\u0001', 'a'), { maxLength: 8 })
        .map((all) => all.join('')),
    )
    await fc.assert(
      fc.asyncProperty(text, async (cut) => {
        const whole = `x${cut}`.toWellFormed()
        const conversation = [
          ['system', `x${cut}`],
          'Hi',
          assistantMessage('', { toolCalls: [{ id: 'a', name: 'look', args: { [`x${cut}`]: cut } }] }),
        ]
        const input = [...conversation, toolMessage(`x${cut}`, 'a')] as ChatInput
        for (const send of Object.values(everywhere)) {
          const body = await send(input, { modelKwargs: { metadata: { cut } } })
          expect(body.metadata).toEqual({ cut: cut.toWellFormed() })
          const { messages } = body
          expect(body.system ?? messages[0]?.content).toBe(whole)
          const answer = messages.find(({ role }) => role === 'assistant')
          const { input: args } = ((answer?.content || [{}]) as readonly [Json])[0]
          const sent = args ?? argumentsOf(answer)
          expect(sent).toEqual({ [whole]: cut.toWellFormed() })
          expect(JSON.stringify(messages.at(-1))).toContain(JSON.stringify(whole).slice(1, -1))
        }
      }),
    )
  })

  test('a request without a form as JSON is an invalid_options error, and is not sent', async () => {
    const fetch = faultyFetch({ body: '{}' })
    const { error } = await readAll(new ChatOpenAI({ ...key, fetch, modelKwargs: { seed: 1n } }).stream('Hi'))
    expect(error).toMatchObject({ code: 'invalid_options', message: expect.stringContaining('JSON') })
    expect(fetch.calls).toHaveLength(0)
  })
})
