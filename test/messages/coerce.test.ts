import { assistantMessage, ChaintapError, type ChatInput, systemMessage, toMessages, toolMessage, userMessage } from 'chaintap'
import { describe, expect, it } from 'vitest'

const wrong = (input: unknown): unknown => {
  try {
    return toMessages(input as ChatInput)
  } catch (error) {
    return error
  }
}

describe('what a chat model takes', () => {
  it('may be a string: the user says it', () => {
    expect(toMessages('Hi')).toEqual([{ role: 'user', content: 'Hi' }])
  })

  it('may be one message', () => {
    expect(toMessages({ role: 'human', content: 'Hi' })).toEqual([{ role: 'user', content: 'Hi' }])
  })

  it('may be a conversation in any of the forms', () => {
    expect(toMessages(['Hi', ['system', 'Be brief.'], { role: 'assistant', content: 'Hello' }])).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: 'Hello' },
    ])
    expect(toMessages([])).toEqual([])
  })

  it.each([
    ['system', 'system'],
    ['developer', 'system'],
    ['user', 'user'],
    ['human', 'user'],
    ['assistant', 'assistant'],
    ['ai', 'assistant'],
  ] as const)('may name a role %s, which is %s', (given, role) => {
    expect(toMessages([[given, 'x'], 'y'])[0]).toEqual({ role, content: 'x' })
    expect(toMessages({ role: given, content: 'x' })).toEqual([{ role, content: 'x' }])
  })

  it('keeps what a message has beside its text, and is not changed', () => {
    const input = { role: 'ai', content: '', toolCalls: [{ id: 'a', name: 'now', args: {} }], id: 'msg' } as const
    const before = structuredClone(input)
    expect(toMessages([input])).toEqual([{ ...input, role: 'assistant' }])
    expect(input).toEqual(before)
  })

  it('passes whole messages on as they are', () => {
    const message = toolMessage('18 °C', 'call_1')
    expect(toMessages([message])[0]).toBe(message)
  })
})

describe('what is no message', () => {
  it.each<[name: string, input: unknown, told: RegExp]>([
    ['an unknown role', [['bot', 'Hi'], 'x'], /Unknown role "bot".*system, developer, user, human, assistant, ai, tool/],
    ['an unknown role of an object', { role: 'System', content: 'Hi' }, /Unknown role "System"/],
    ['a role that every object has', { role: 'constructor', content: 'Hi' }, /Unknown role "constructor"/],
    ['no role', { content: 'Hi' }, /Unknown role undefined/],
    ['a number', 5, /\{ role, content \}, but got a number/],
    ['nothing', undefined, /but got undefined/],
    ['null in a list', [null], /but got null/],
    ['no content', { role: 'user', text: 'Hi' }, /but got an object with role, text/],
    ['a list of three', [['user', 'a', 'b']], /but got an array/],
    ['a tool message without its call', { role: 'tool', content: 'x' }, /toolCallId/],
    ['a tool message as a pair', [['tool', 'x']], /toolCallId/],
    ['a lone pair, which may be one message or two', ['user', 'Hi'], /Write \[\["user", "…"\]\]/],
  ])('%s is a typed error that says what is', (_, input, told) => {
    const error = wrong(input)
    expect(error).toBeInstanceOf(ChaintapError)
    expect(error).toMatchObject({ code: 'invalid_message', message: expect.stringMatching(told) })
  })

  it('P11: what a message says does not get into the error', () => {
    expect(String(wrong([{ role: 'spy', content: 'sk-secret' }, { text: 'sk-secret' }]))).not.toContain('sk-secret')
    expect(String(wrong({ role: 'user', text: 'sk-secret' }))).not.toContain('sk-secret')
  })
})

describe('messages', () => {
  it('are made by plain functions, and are plain objects', () => {
    expect(systemMessage('Be brief.')).toEqual({ role: 'system', content: 'Be brief.' })
    expect(userMessage([{ type: 'text', text: 'Hi' }])).toEqual({ role: 'user', content: [{ type: 'text', text: 'Hi' }] })
    expect(assistantMessage('Hello', { stopReason: 'end_turn' })).toEqual({ role: 'assistant', content: 'Hello', stopReason: 'end_turn' })
    expect(toolMessage('18 °C', 'call_1')).toEqual({ role: 'tool', content: '18 °C', toolCallId: 'call_1' })
    expect(toolMessage('no', 'call_1', { isError: true })).toMatchObject({ isError: true })
  })
})
