import type { Delta } from '../../core/delta.ts'
import type { Message } from '../../core/message.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { isDoneMark, openaiFinishReason, readOpenAIContent } from '../../tokens/answer/openai-content.ts'
import { reportedError } from '../../tokens/answer/reported-error.ts'
import { openaiUsage } from '../../tokens/usage/openai.ts'
import type { OpenAIChoice, OpenAIChunk, OpenAIChunkMessage } from '../../tokens/usage/openai-chunk.ts'
import type { Decoder } from '../wire.ts'
import { OpenAISources } from './sources.ts'
import { OpenAIToolCalls } from './tool-calls.ts'

/**
 * Decodes one response of OpenAI's Chat Completions or Completions API. Chunks of a stream and whole responses of both APIs are read by the
 * same code, because they differ in little more than the place of the text. Of several choices (`n`) the first is used.
 *
 * A stream may have whole messages too: in each chunk the message so far (Perplexity), at the end the whole one, or one message instead of
 * chunks. Each kind of content (text, reasoning, calls) is read from the deltas if they have it, otherwise from the messages.
 */
export class OpenAIDecoder implements Decoder {
  /** OpenAI pads events with random `obfuscation`, so that their length reveals nothing. It is the last string of the event. */
  readonly replacePadding = (tail: string, letters: string): string => tail.replace(/:"[\w+/=-]*"}$/, `:"${letters}"}`)
  readonly #isStream: boolean
  #hasAnswer = false
  #isEnded = false
  /** How many messages came without a delta beside them. */
  #messages = 0
  /** The kinds of content that deltas had. */
  readonly #kindsOfDeltas = new Set<string>()
  /** The text of messages so far, by kind. */
  readonly #messageTexts = new Map<string, string>()
  readonly #sources = new OpenAISources()
  #id = ''
  #model = ''
  readonly #calls: OpenAIToolCalls

  /** @param messages The conversation so far: ids of tool calls are unique in it. */
  constructor(isStream = true, messages: readonly Message[] = []) {
    this.#isStream = isStream
    this.#calls = new OpenAIToolCalls(messages)
  }

  /** A stream is ended by a finish reason or `[DONE]`, or is one message. Without an answer, nothing is complete. */
  get complete(): boolean {
    return this.#hasAnswer && (!this.#isStream || this.#isEnded || this.#messages === 1)
  }

  extractText(event: unknown): string | undefined {
    const chunk = Object(event) as OpenAIChunk
    const { choices, usage, x_groq } = chunk
    if (!this.#isStream || !Array.isArray(choices) || usage || x_groq || this.#hasNewIdentity(chunk)) return
    const choice: OpenAIChoice = Object(choices[0])
    const delta = choice.delta ?? {}
    if (choice.index || choice.finish_reason || choice.message || choice.usage || hasMoreThanContent(delta)) return
    if (reportedError(event) || this.#sources.findNew(chunk, {}).length > 0) return
    const text = choice.text || (delta.content ?? choice.text)
    if (typeof text !== 'string') return
    this.#hasAnswer = true
    if (text) this.#kindsOfDeltas.add('text')
    return text
  }

  decode(event: unknown): readonly Delta[] {
    if (typeof event === 'string' && isDoneMark(event)) return this.#end()
    const chunk = Object(event) as OpenAIChunk
    const deltas: Delta[] = []
    if (this.#hasNewIdentity(chunk)) {
      this.#id ||= chunk.id ?? ''
      this.#model ||= chunk.model ?? ''
      deltas.push({ type: 'meta', ...(this.#id && { id: this.#id }), ...(this.#model && { model: this.#model }) })
    }
    const usage = openaiUsage(chunk)
    if (usage) deltas.push({ type: 'usage', usage })
    const { choices } = chunk
    const choice = Array.isArray(choices) ? (choices as readonly OpenAIChoice[]).find(isFirstChoice) : undefined
    if (choice) this.#decodeChoice(chunk, choice, deltas)
    return deltas
  }

  /** Whether an event is the first with a response id or a model name. Azure's first event has neither. */
  #hasNewIdentity({ id, model }: OpenAIChunk): boolean {
    return Boolean((id && !this.#id) || (model && !this.#model))
  }

  #decodeChoice(chunk: OpenAIChunk, choice: OpenAIChoice, deltas: Delta[]): void {
    const { delta, message, text } = choice
    const reason = openaiFinishReason(choice)
    this.#hasAnswer ||= this.#isStream || Boolean(delta ?? message ?? text ?? reason)
    // Together repeats the delta's text in `text`.
    this.#decodeDelta(text ? { ...delta, content: text } : (delta ?? {}), deltas)
    if (message) this.#decodeMessage(message, deltas)
    if (message && !delta) this.#messages++
    this.#sources.add(chunk, choice)
    // The sources belong to the text, which they may precede.
    if (reason || this.#kindsOfDeltas.has('text') || this.#messageTexts.get('text')) deltas.push(...this.#sources.take())
    if (reason || !this.#isStream) deltas.push(...this.#end(reason))
    if (reason) deltas.push({ type: 'stop', reason })
  }

  #end(reason?: string): readonly Delta[] {
    this.#isEnded = true
    return this.#calls.end(reason)
  }

  #decodeDelta(delta: OpenAIChunkMessage, deltas: Delta[]): void {
    for (const piece of readOpenAIContent(delta)) {
      this.#kindsOfDeltas.add(piece.type)
      deltas.push(piece.type === 'part' ? partDelta(piece.part) : piece)
    }
    const calls = this.#calls.decode(delta, false)
    if (calls.length > 0) this.#kindsOfDeltas.add('call')
    deltas.push(...calls)
  }

  /** Adds what no delta has said. A later message that begins with the text so far continues it. */
  #decodeMessage(message: OpenAIChunkMessage, deltas: Delta[]): void {
    const pieces = readOpenAIContent(message).filter(({ type }) => !this.#kindsOfDeltas.has(type))
    const isFirst = this.#messageTexts.size === 0
    if (isFirst) for (const piece of pieces) deltas.push(piece.type === 'part' ? partDelta(piece.part) : piece)
    for (const type of ['reasoning', 'text'] as const) {
      const text = pieces.map((piece) => (piece.type === type ? piece.text : '')).join('')
      const before = this.#messageTexts.get(type) ?? ''
      const more = text.startsWith(before) ? text.slice(before.length) : text
      this.#messageTexts.set(type, before + more)
      if (more && !isFirst) deltas.push({ type, text: more })
    }
    deltas.push(...(this.#kindsOfDeltas.has('call') ? this.#calls.decodeRest(message) : this.#calls.decode(message, true)))
  }
}

/** Whether a choice is the first of several (`n`). Some servers number them with strings. */
const isFirstChoice = (choice: OpenAIChoice | null): boolean => !choice?.index || choice.index === '0'

/** Whether a delta has other fields than the role and the content that are not empty. */
function hasMoreThanContent(delta: OpenAIChunkMessage): boolean {
  for (const key in delta) {
    const value: unknown = delta[key as keyof OpenAIChunkMessage]
    if (key !== 'content' && key !== 'role' && (Array.isArray(value) ? value.length > 0 : value)) return true
  }
  return false
}

/** A part without text: a source, as Mistral's `reference`, or a block of the server's own. */
const partDelta = (part: JsonObject): Delta =>
  /reference|citation/.test(String(part.type)) ? { type: 'citation', citation: part } : { type: 'block', provider: 'openai', block: part }
