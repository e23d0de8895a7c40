import { type OpenAIAnswer, openaiCompletionJson, openaiCompletionSse, openaiJson, openaiSse } from 'chaintap/testing'
import { createParser } from 'eventsource-parser'
import { describe, expect, test } from 'vitest'
import { fixture } from '../support/fixtures.ts'

/** The events of a body, parsed if they are JSON. */
function parse(text: string): unknown[] {
  const events: unknown[] = []
  const parser = createParser({ onEvent: ({ data }) => events.push(data === '[DONE]' ? data : JSON.parse(data)) })
  parser.feed(text)
  return events
}

const full: OpenAIAnswer = {
  reasoning: ['Let me', ' see.'],
  text: ['Hé', 'llo 🌍'],
  toolCalls: [{ id: 'call_1', name: 'weather', args: { city: 'Paris' } }],
  usage: { inputTokens: 30, outputTokens: 12, cacheReadTokens: 20, cacheWriteTokens: 4, reasoningTokens: 5, cost: 0.5 },
  id: 'chatcmpl-1',
  model: 'gpt-x',
}
const usage = {
  prompt_tokens: 30,
  completion_tokens: 12,
  total_tokens: 42,
  prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 5 },
  cost: 0.5,
}

describe('openaiSse()', () => {
  test('returns every part in the order of the API', () => {
    const envelope = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_795_000_000, model: 'gpt-x' }
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      ...envelope,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      usage: null,
    })
    const args = (piece: string) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })
    expect(parse(openaiSse(full).join(''))).toEqual([
      chunk({ role: 'assistant', content: '', refusal: null }),
      chunk({ reasoning_content: 'Let me' }),
      chunk({ reasoning_content: ' see.' }),
      chunk({ content: 'Hé' }),
      chunk({ content: 'llo 🌍' }),
      chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } }] }),
      args('{"city":'),
      args('"Paris"}'),
      chunk({}, 'tool_calls'),
      { ...envelope, choices: [], usage },
      '[DONE]',
    ])
  })

  test('omits unknown usage (P8)', () => {
    expect(openaiSse({ text: ['a'] }).join('')).not.toContain('usage')
    expect(parse(openaiSse({ usage: { outputTokens: 0, totalTokens: 7 } }).join('')).at(-2)).toMatchObject({
      usage: { completion_tokens: 0, total_tokens: 7, prompt_tokens_details: {} },
    })
  })

  test('writes an error in place of the end, followed by [DONE]', () => {
    const error = { type: 'server_error', message: 'Sorry' }
    const body = { error: { ...error, param: null, code: null } }
    expect(parse(openaiSse({ text: ['Once'], error }).join('')).slice(-2)).toEqual([body, '[DONE]'])
    expect(openaiJson({ error })).toEqual(body)
    expect(openaiCompletionJson({ error: { ...error, code: 502 } })).toEqual({ error: { ...error, param: null, code: 502 } })
  })

  test('has the fields of the recorded streams', () => {
    const keysOf = (events: readonly unknown[], at: number): unknown => {
      const { obfuscation: _obfuscation, ...event } = Object(events.at(at))
      return [Object.keys(event).sort(), Object.keys(Object(event.choices[0])).sort()]
    }
    const recorded = (name: string): unknown[] => parse(new TextDecoder().decode(fixture(name).bytes))
    const known = ['service_tier', 'system_fingerprint']
    const chat = recorded('openai-chat-usage.sse')
    for (const at of [0, 1, -3, -2]) {
      const [fields, choice] = keysOf(chat, at) as [string[], unknown]
      expect(keysOf(parse(openaiSse({ ...full, toolCalls: [] }).join('')), at)).toEqual([
        fields.filter((field) => !known.includes(field)),
        choice,
      ])
    }
    for (const at of [0, -3, -2]) {
      expect(keysOf(parse(openaiCompletionSse(full).join('')), at)).toEqual(keysOf(recorded('openai-completions-legacy.sse'), at))
    }
  })
})

describe('openaiJson()', () => {
  test('returns the same response as one message', () => {
    const toolCall = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }
    expect(JSON.parse(JSON.stringify(openaiJson(full)))).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_795_000_000,
      model: 'gpt-x',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'Héllo 🌍',
            refusal: null,
            reasoning_content: 'Let me see.',
            tool_calls: [toolCall],
          },
          logprobs: null,
          finish_reason: 'tool_calls',
        },
      ],
      usage,
    })
  })

  test('puts a refusal into its own field', () => {
    expect(openaiJson({ refusal: ['I can', 'not.'] })).toMatchObject({ choices: [{ message: { content: null, refusal: 'I cannot.' } }] })
    expect(openaiSse({ refusal: ['No.'] }).join('')).toContain('{"refusal":"No."}')
  })
})

describe('openaiCompletionSse()', () => {
  test('returns a text and its finish reason', () => {
    const events = parse(
      openaiCompletionSse({ text: [' one', ' two'], usage: { inputTokens: 5, outputTokens: 2 }, stopReason: 'length' }).join(''),
    )
    const choice = (text: string, finish_reason: string | null = null) => ({ text, index: 0, logprobs: null, finish_reason })
    expect(events.slice(0, 3)).toMatchObject([
      { object: 'text_completion', choices: [choice(' one')] },
      { choices: [choice(' two')] },
      { choices: [choice('', 'length')] },
    ])
    expect(events.slice(3)).toMatchObject([{ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } }, '[DONE]'])
    expect(openaiCompletionJson({ text: [' one', ' two'] })).toMatchObject({ choices: [choice(' one two', 'stop')] })
  })
})
