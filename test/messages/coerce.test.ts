import { assistantMessage, ChaintapError, type ChatInput, systemMessage, toMessages, toolMessage, userMessage } from 'chaintap'
import { describe, expect, it } from 'vitest'

const wrong = (input: unknown): unknown => {
  try {
    return toMessages(input as ChatInput)
  } catch (error) {
    return error
  }
}

describe('toMessages()', () => {
  it('converts a string to a user message', () => {
    expect(toMessages('Hi')).toEqual([{ role: 'user', content: 'Hi' }])
  })

  it('converts a single message to a list', () => {
    expect(toMessages({ role: 'human', content: 'Hi' })).toEqual([{ role: 'user', content: 'Hi' }])
  })

  it('converts a list of messages in any form', () => {
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
  ] as const)('converts the role %s to %s', (name, role) => {
    expect(toMessages([[name, 'x'], 'y'])[0]).toEqual({ role, content: 'x' })
    expect(toMessages({ role: name, content: 'x' })).toEqual([{ role, content: 'x' }])
  })

  it('keeps other fields of a message and does not modify the input', () => {
    const input = { role: 'ai', content: '', toolCalls: [{ id: 'a', name: 'now', args: {} }], id: 'msg' } as const
    const before = structuredClone(input)
    expect(toMessages([input])).toEqual([{ ...input, role: 'assistant' }])
    expect(input).toEqual(before)
  })

  it('returns complete messages without copying them', () => {
    const message = toolMessage('18 °C', 'call_1')
    expect(toMessages([message])[0]).toBe(message)
  })
})

describe('toMessages() with an invalid message', () => {
  it.each<[name: string, input: unknown, expected: RegExp]>([
    ['an unknown role', [['bot', 'Hi'], 'x'], /Unknown role "bot".*system, developer, user, human, assistant, ai, tool/],
    ['an unknown role of an object', { role: 'System', content: 'Hi' }, /Unknown role "System"/],
    ['a role that every object has', { role: 'constructor', content: 'Hi' }, /Unknown role "constructor"/],
    ['no role', { content: 'Hi' }, /Unknown role undefined/],
    ['a number', 5, /\{ role, content \}\), but received a number/],
    ['nothing', undefined, /but received undefined/],
    ['null in a list', [null], /but received null/],
    ['no content', { role: 'user', text: 'Hi' }, /but received an object with role, text/],
    ['a list of three', [['user', 'a', 'b']], /but received an array/],
    ['a tool message without its call', { role: 'tool', content: 'x' }, /toolCallId/],
    ['a tool message as a pair', [['tool', 'x']], /toolCallId/],
    ['a pair that may be one message or two', ['user', 'Hi'], /Pass \[\["user", "…"\]\]/],
  ])('%s throws invalid_message with the problem', (_, input, expected) => {
    const error = wrong(input)
    expect(error).toBeInstanceOf(ChaintapError)
    expect(error).toMatchObject({ code: 'invalid_message', message: expect.stringMatching(expected) })
  })

  it('does not put the content of a message into the error (P11)', () => {
    expect(String(wrong([{ role: 'spy', content: 'sk-secret' }, { text: 'sk-secret' }]))).not.toContain('sk-secret')
    expect(String(wrong({ role: 'user', text: 'sk-secret' }))).not.toContain('sk-secret')
  })
})

describe('systemMessage(), userMessage(), assistantMessage() and toolMessage()', () => {
  it('return plain objects', () => {
    expect(systemMessage('Be brief.')).toEqual({ role: 'system', content: 'Be brief.' })
    expect(userMessage([{ type: 'text', text: 'Hi' }])).toEqual({ role: 'user', content: [{ type: 'text', text: 'Hi' }] })
    expect(assistantMessage('Hello', { stopReason: 'end_turn' })).toEqual({ role: 'assistant', content: 'Hello', stopReason: 'end_turn' })
    expect(toolMessage('18 °C', 'call_1')).toEqual({ role: 'tool', content: '18 °C', toolCallId: 'call_1' })
    expect(toolMessage('no', 'call_1', { isError: true })).toMatchObject({ isError: true })
  })
})
