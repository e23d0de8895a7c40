// Every accepted form of templates and inputs, and its result.
import {
  assistantMessage,
  ChatPromptTemplate,
  type ChatTemplate,
  literal,
  MessagesPlaceholder,
  PromptTemplate,
  systemMessage,
  toolMessage,
  userMessage,
} from 'chaintap'
import { describe, expect, it } from 'vitest'

const made = (...templates: unknown[]) => new ChatPromptTemplate(templates as readonly ChatTemplate[])
const user = (content: unknown) => ({ role: 'user', content })
const system = (content: unknown) => ({ role: 'system', content })
const assistant = (content: unknown) => ({ role: 'assistant', content })

const part = { type: 'text', text: 'What is {x}?', cacheControl: { type: 'ephemeral' } }
const thought = { type: 'reasoning', text: '{x}', signature: '{x}' }
const image = { type: 'image', url: 'https://example.com/{x}.jpg' }
const bytes = { type: 'image', data: 'e30=', mediaType: 'image/png' }
const calls = [{ id: 'c', name: 'f', args: { a: '{x}' } }]

describe('ChatPromptTemplate renders a message template with x = 1', () => {
  it.each<[form: string, template: unknown, message: unknown]>([
    ['a string', 'a {x}', user('a 1')],
    ['an empty string', '', user('')],
    ['[system, text]', ['system', 'a {x}'], system('a 1')],
    ['[developer, text]', ['developer', 'a {x}'], system('a 1')],
    ['[user, text]', ['user', 'a {x}'], user('a 1')],
    ['[human, text]', ['human', 'a {x}'], user('a 1')],
    ['[assistant, text]', ['assistant', 'a {x}'], assistant('a 1')],
    ['[ai, text]', ['ai', 'a {x}'], assistant('a 1')],
    [
      '[role, parts]',
      ['user', [part, image]],
      user([
        { ...part, text: 'What is 1?' },
        { type: 'image', url: 'https://example.com/1.jpg' },
      ]),
    ],
    ['{ role, content }', { role: 'user', content: 'a {x}' }, user('a 1')],
    ["an object with one of LangChain's roles", { role: 'human', content: 'a {x}' }, user('a 1')],
    ['an object with more in it', { role: 'ai', content: 'a {x}', id: '{x}' }, { ...assistant('a 1'), id: '{x}' }],
    ['an object with parts', { role: 'ai', content: [thought, bytes, part] }, assistant([thought, bytes, { ...part, text: 'What is 1?' }])],
    ['a tool message', { role: 'tool', content: 'a {x}', toolCallId: '{x}' }, { role: 'tool', content: 'a 1', toolCallId: '{x}' }],
    ['systemMessage', systemMessage('a {x}'), system('a 1')],
    ['userMessage', userMessage('a {x}'), user('a 1')],
    ['assistantMessage', assistantMessage('a {x}', { toolCalls: calls }), { ...assistant('a 1'), toolCalls: calls }],
    ['toolMessage', toolMessage('a {x}', '{x}'), { role: 'tool', content: 'a 1', toolCallId: '{x}' }],
    ['a literal string', literal('a {x}'), user('a {x}')],
    ['a literal pair', literal(['system', '{"a": 1}']), system('{"a": 1}')],
    ['a literal message', literal({ role: 'ai', content: '}{' }), assistant('}{')],
  ])('%s', async (_, template, message) => {
    expect(await made(template, '{x}').format({ x: '1' })).toEqual([message, user('1')])
  })
})

describe('a placeholder', () => {
  const required = [
    ['MessagesPlaceholder(name)', new MessagesPlaceholder('h')],
    ['MessagesPlaceholder(name, { optional: false })', new MessagesPlaceholder('h', { optional: false })],
    ['MessagesPlaceholder({ variableName })', new MessagesPlaceholder({ variableName: 'h' })],
  ] as const
  const optional = [
    ['MessagesPlaceholder(name, { optional: true })', new MessagesPlaceholder('h', { optional: true })],
    ['MessagesPlaceholder({ variableName, optional: true })', new MessagesPlaceholder({ variableName: 'h', optional: true })],
    ['[placeholder, {name}]', ['placeholder', '{h}']],
  ] as const

  it.each([...required, ...optional])('%s inserts messages of any form without parsing them as templates', async (_, placeholder) => {
    const h = ['a {x}', ['ai', '{'], { role: 'system', content: '}' }, userMessage('d')]
    expect(await made('{x}', placeholder).format({ x: '1', h } as never)).toEqual([
      user('1'),
      user('a {x}'),
      assistant('{'),
      system('}'),
      user('d'),
    ])
  })

  it.each(required)('%s requires its variable in the input', async (_, placeholder) => {
    expect(made(placeholder).inputVariables).toEqual(['h'])
    await expect(made(placeholder).format({})).rejects.toMatchObject({
      code: 'missing_variable',
      message: expect.stringContaining('missing variables "h"'),
    })
  })

  it.each(optional)('%s may be omitted from the input', async (_, placeholder) => {
    expect(made(placeholder).inputVariables).toEqual([])
    expect(await made(placeholder).format({})).toEqual([])
    expect(await made(placeholder).format({ h: undefined } as never)).toEqual([])
  })
})

describe('format() accepts as input', () => {
  const placeholder = new MessagesPlaceholder('h')
  const one = PromptTemplate.fromTemplate('<{a}>')
  it.each<[form: string, prompt: { format(input: never): Promise<unknown> }, input: unknown, output: unknown]>([
    ['an object', one, { a: 'x' }, '<x>'],
    ['an object with a number', one, { a: 0 }, '<0>'],
    ['an object with a boolean', one, { a: false }, '<false>'],
    ['unknown keys', one, { a: 'x', b: 'y' }, '<x>'],
    ['the only value itself', one, 'x', '<x>'],
    ['the only value that partial() left', PromptTemplate.fromTemplate('<{a}{b}>').partial({ b: 1 }), 'x', '<x1>'],
    ['the only required value', made(['placeholder', '{h}'], '{a}'), 'x', [user('x')]],
    ['the only list of messages itself', made(placeholder), ['x', ['ai', 'y']], [user('x'), assistant('y')]],
    ['an empty object without variables', PromptTemplate.fromTemplate('x'), {}, 'x'],
  ])('%s', async (_, prompt, input, output) => {
    expect(await prompt.format(input as never)).toEqual(output)
  })
})

describe('partial() accepts', () => {
  it.each<[form: string, value: unknown]>([
    ['a string', '1'],
    ['a number', 1],
    ['a function', () => '1'],
    ['a function that returns a promise', async () => 1],
  ])('%s', async (_, x) => {
    expect(await new PromptTemplate('{x}{y}').partial({ x: x as string }).format({ y: 2 })).toBe('12')
    expect(
      await made('{x}{y}')
        .partial({ x: x as string })
        .format({ y: 2 }),
    ).toEqual([user('12')])
  })

  it.each<[form: string, value: unknown]>([
    ['messages', [['ai', '{x}']]],
    ['a function that returns messages', () => [['ai', '{x}']]],
  ])('%s', async (_, h) => {
    expect(
      await made(new MessagesPlaceholder('h'), '{y}')
        .partial({ h: h as [] })
        .format({ y: 2 }),
    ).toEqual([assistant('{x}'), user('2')])
  })
})

describe('doubled braces', () => {
  it.each([
    ['{x}', '1'],
    ['{{x}}', '{x}'],
    ['{{{x}}}', '{1}'],
    ['{{{{x}}}}', '{{x}}'],
    ['{{pre{x}post}}', '{pre1post}'],
    ['}}{{', '}{'],
    ['{{ "a": "{x}" }}', '{ "a": "1" }'],
    ['{{"a": {{"b": [{x}]}}}}', '{"a": {"b": [1]}}'],
  ])('render %j with x = 1 as %j, in texts and in messages', async (template, text) => {
    expect(await new PromptTemplate(template).format({ x: '1' })).toBe(text)
    expect(await made(template, ['system', template], { role: 'ai', content: template }).format({ x: '1' })).toEqual([
      user(text),
      system(text),
      assistant(text),
    ])
  })
})

describe('construction throws, with the position, for', () => {
  const json = /found JSON.*\(at \d+:\d+\).*\{\{ and \}\}/
  it.each<[form: string, template: unknown, code: string, expected: RegExp]>([
    ['an open brace', 'a {', 'invalid_template', /Unclosed \{ \(at 1:3\).*\{\{ and \}\}/],
    ['an open brace before another', 'a {b {c}', 'invalid_template', /Unclosed \{ \(at 1:3\)/],
    ['a closing brace', ['system', 'a\nbc }'], 'invalid_template', /Unmatched \} \(at 2:4\).*\{\{ and \}\}/],
    ['a variable without a name', userMessage('{}'), 'invalid_template', /Empty variable name \{\} \(at 1:1\)/],
    ['JSON', 'Like {"a": 1}', 'invalid_template', json],
    ['JSON over lines', ['system', 'Like\n  {\n "a": 1 }'], 'invalid_template', json],
    ['JSON in a part', ['user', [{ type: 'text', text: '{"a": 1}' }]], 'invalid_template', json],
    ['JSON around a variable', { role: 'ai', content: '{"a": {x}}' }, 'invalid_template', /Unclosed \{ \(at 1:1\).*\{\{ and \}\}/],
    ['a placeholder without braces', ['placeholder', 'h'], 'invalid_template', /"\{history\}", but received "h"/],
    ['a placeholder with two variables', ['placeholder', '{h}{i}'], 'invalid_template', /but received "\{h\}\{i\}"/],
    ['an unknown role', ['bot', 'Hi'], 'invalid_message', /"bot".*system.*user.*assistant/],
    ['an unknown role of an object', { role: 'bot', content: 'Hi' }, 'invalid_message', /"bot"/],
    ['a tool message without its call', ['tool', 'Hi'], 'invalid_message', /toolCallId/],
    ['a role without content', ['system'], 'invalid_message', /\[role, text\].*an array/],
    ['an object without content', { role: 'user' }, 'invalid_message', /an object with role/],
    ['a number', 5, 'invalid_message', /a number/],
    ['null', null, 'invalid_message', /null/],
  ])('%s', (_, template, code, expected) => {
    expect(() => made('fine', template)).toThrow(
      expect.objectContaining({ name: 'ChaintapError', code, message: expect.stringMatching(new RegExp(expected, 's')) }),
    )
  })

  it('one name for a text variable and a placeholder', () => {
    expect(() => made('{x}', new MessagesPlaceholder('x'))).toThrow(/"x" is used both for text and for messages/)
  })
})
