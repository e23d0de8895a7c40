import type { Runnable } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI, OpenAI } from 'chaintap/openai'
import {
  anthropicJson,
  anthropicSse,
  type FaultyFetch,
  openaiCompletionJson,
  openaiCompletionSse,
  openaiJson,
  openaiSse,
} from 'chaintap/testing'
import { WorkersAI } from 'chaintap/workers-ai'
import { fixtures } from '../fixtures.ts'
import { bindingOver, workersAIJson, workersAISse } from '../workers-ai.ts'

const text = { id: 'msg_1', model: 'model-1', text: ['Hel', 'lo', ' 🌍'], usage: { inputTokens: 3, outputTokens: 2 } }
const answer = { ...text, reasoning: ['Let me', ' see.'], toolCalls: [{ id: 'call_1', name: 'weather', args: { city: 'Bonn' } }] }
const { id: _id, model: _model, reasoning: _reasoning, ...terse } = answer
const options = { apiKey: 'a-key', maxRetries: 0, dangerouslyAllowBrowser: true }
const recorded = (...apis: readonly string[]): readonly string[] =>
  fixtures
    .filter(({ expected }) => apis.includes(expected.api) && expected.complete)
    .map(({ bytes }) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))

/** A model and bodies that it reads. */
export interface Subject {
  readonly create: (fetch: FaultyFetch) => Runnable<string, unknown, unknown>
  readonly streams: readonly string[]
  readonly whole: readonly string[]
  /** What the provider says at the end of an answer. */
  readonly end: RegExp
}

const openaiEnd = /\[DONE\]|"finish_reason":|"message":|"stop"|"response":/
export const subjects: Readonly<Record<string, Subject>> = {
  ChatAnthropic: {
    create: (fetch) => new ChatAnthropic({ ...options, fetch }),
    streams: [anthropicSse(answer).join(''), anthropicSse(text).join(''), ...recorded('messages')],
    whole: [JSON.stringify(anthropicJson(answer))],
    end: /message_stop|stop_reason|"message"/,
  },
  ChatOpenAI: {
    create: (fetch) => new ChatOpenAI({ ...options, fetch }),
    streams: [openaiSse(answer).join(''), openaiSse(text).join(''), ...recorded('chat')],
    whole: [JSON.stringify(openaiJson(answer))],
    end: openaiEnd,
  },
  OpenAI: {
    create: (fetch) => new OpenAI({ ...options, fetch }),
    streams: [openaiCompletionSse(text).join(''), ...recorded('completions')],
    whole: [JSON.stringify(openaiCompletionJson(text))],
    end: openaiEnd,
  },
  WorkersAI: {
    create: (fetch) => new WorkersAI({ binding: bindingOver(fetch), maxRetries: 0 }),
    streams: [workersAISse(terse).join(''), openaiSse(answer).join(''), ...recorded('run')],
    whole: [JSON.stringify(workersAIJson(terse)), JSON.stringify(openaiJson(answer))],
    end: openaiEnd,
  },
}
