import type { Availability, LanguageModelFactory, LanguageModelSession, PromptMessage } from 'chaintap/browser-ai'

type CreateOptions = NonNullable<Parameters<LanguageModelFactory['create']>[0]>
type PromptOptions = NonNullable<Parameters<LanguageModelSession['prompt']>[1]>

/** The behavior of the fake model. */
export interface LanguageModelScript {
  /** @defaultValue 'available' */
  readonly availability?: Availability | Error
  /** Whether the visitor has just clicked; otherwise no download starts. Default false. */
  readonly isActivated?: boolean
  /** The progress events of a download, after which it fails with `downloadError`, if set. */
  readonly progress?: readonly number[]
  readonly downloadError?: Error
  /** Thrown by `create`. */
  readonly createError?: Error
  /** The chunks of a response. Default: Hel, lo, !. */
  readonly chunks?: readonly string[]
  /** Thrown after the chunks. */
  readonly error?: Error
  /** Stalls after this many chunks until `until` settles. */
  readonly stallAfter?: number | undefined
  /** `create` stalls until `until` settles. */
  readonly stallBefore?: boolean | undefined
  readonly until?: Promise<unknown> | undefined
  /** Ignores signals: only `destroy()` and `cancel()` close anything. */
  readonly deaf?: boolean | undefined
  /** The names of the token counts: `context…` since 2026, `input…` before. Default `new`. */
  readonly names?: 'new' | 'old' | 'none'
  /** Whether the usage of a session includes responses, as in Chrome, or not, as in the specification. Default true. */
  readonly counts?: boolean
  /** Default: no limit. */
  readonly contextWindow?: number
  /** Tools that the model calls before its response. */
  readonly toolCalls?: readonly { readonly name: string; readonly args: unknown }[]
}

/** A fake `LanguageModel` and the record of its use. */
export interface FakeLanguageModel extends LanguageModelFactory {
  /** The options of each `availability` call. */
  readonly availabilityCalls: readonly object[]
  /** The options of each `create` call. */
  readonly createCalls: readonly CreateOptions[]
  readonly prompted: readonly { readonly input: readonly PromptMessage[]; readonly options: PromptOptions }[]
  /** The results of its tools. */
  readonly answers: readonly string[]
  /** The number of sessions that are not destroyed. */
  readonly open: number
  /** The number of responses that have neither ended nor been cancelled. */
  readonly running: number
  readonly pulls: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] }
type Record = Mutable<Omit<FakeLanguageModel, keyof LanguageModelFactory>>

/** A `LanguageModel` that follows its specification (https://webmachinelearning.github.io/prompt-api/), including what it rejects. */
export function fakeLanguageModel(script: LanguageModelScript | ((index: number) => LanguageModelScript) = {}): FakeLanguageModel {
  const scriptOf = typeof script === 'function' ? script : () => script
  const record: Record = { availabilityCalls: [], createCalls: [], prompted: [], answers: [], open: 0, running: 0, pulls: 0 }
  const factory: LanguageModelFactory = {
    async availability(options = {}) {
      record.availabilityCalls.push(options)
      const { availability = 'available' } = scriptOf(record.createCalls.length)
      if (availability instanceof Error) throw availability
      return availability
    },
    async create(options = {}) {
      const behavior = scriptOf(record.createCalls.push(options) - 1)
      options.signal?.throwIfAborted()
      checkPrompts(options.initialPrompts ?? [], options, true)
      await download(behavior, options)
      if (behavior.createError) throw behavior.createError
      if (behavior.stallBefore) await stall(behavior, options.signal, behavior.until)
      return sessionOf(behavior, options, record)
    },
  }
  return Object.assign(record, factory)
}

async function download(script: LanguageModelScript, { monitor }: CreateOptions): Promise<void> {
  const { availability = 'available', isActivated = false, progress = [], downloadError } = script
  if (availability === 'unavailable') throw new DOMException('Not on this device.', 'NotSupportedError')
  if (availability === 'downloadable' && !isActivated) throw new DOMException('Requires a user gesture.', 'NotAllowedError')
  const target = new EventTarget()
  monitor?.(target)
  for (const loaded of [0, ...progress, ...(downloadError ? [] : [1])]) {
    target.dispatchEvent(Object.assign(new Event('downloadprogress'), { loaded, total: 1 }))
    await Promise.resolve()
  }
  if (downloadError) throw downloadError
}

function sessionOf(script: LanguageModelScript, options: CreateOptions, record: Record): LanguageModelSession {
  const { names = 'new', counts = true, contextWindow = Number.POSITIVE_INFINITY } = script
  const ended = new AbortController()
  let usage = tokens(options.initialPrompts ?? [])
  const overflow = (requested: number): Error =>
    Object.assign(new DOMException('Too long.', 'QuotaExceededError'), { requested, quota: contextWindow })
  if (usage > contextWindow) throw overflow(usage)
  record.open++
  const measure = async (input: string | readonly PromptMessage[]): Promise<number> => {
    ended.signal.throwIfAborted()
    return tokens(input)
  }
  const begin = async (input: readonly PromptMessage[], promptOptions: PromptOptions): Promise<void> => {
    ended.signal.throwIfAborted()
    record.prompted.push({ input, options: promptOptions })
    checkPrompts(input, options, usage === 0)
    if (usage + tokens(input) > contextWindow) throw overflow(usage + tokens(input))
    usage += tokens(input)
    for (const { name, args } of script.toolCalls ?? []) {
      const tool = options.tools?.find((candidate) => candidate.name === name)
      if (tool) record.answers.push(await (tool.execute as (...args: unknown[]) => Promise<string>)(args))
    }
  }
  const addOutput = (text: string): void => {
    if (counts) usage += text.length
  }
  const session: LanguageModelSession = {
    async prompt(input, promptOptions = {}) {
      const reader = session.promptStreaming(input, promptOptions).getReader()
      let text = ''
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
      return text
    },
    promptStreaming(input, promptOptions = {}) {
      return streamOf(
        script,
        { begin: () => begin(input, promptOptions), addOutput, ended: ended.signal, signal: promptOptions.signal },
        record,
      )
    },
    async clone({ signal } = {}) {
      signal?.throwIfAborted()
      return sessionOf(script, options, record)
    },
    destroy() {
      if (ended.signal.aborted) return
      record.open--
      ended.abort(new DOMException('The session was destroyed.', 'AbortError'))
    },
    ...(names === 'new' && { measureContextUsage: measure }),
    ...(names === 'old' && { measureInputUsage: measure }),
  }
  if (names !== 'none') Object.defineProperty(session, names === 'new' ? 'contextUsage' : 'inputUsage', { get: () => usage })
  return session
}

interface PromptedResponse {
  readonly begin: () => Promise<void>
  readonly addOutput: (text: string) => void
  readonly ended: AbortSignal
  readonly signal: AbortSignal | undefined
}

/** The stream of a response. The signal, or the end of the session, errors it. */
function streamOf(
  script: LanguageModelScript,
  { begin, addOutput, ended, signal }: PromptedResponse,
  record: Record,
): ReadableStream<string> {
  if (!script.deaf) signal?.throwIfAborted()
  const { chunks = ['Hel', 'lo', '!'], error, stallAfter, until } = script
  let [at, isOver] = [0, false]
  record.running++
  const close = (): void => {
    if (!isOver) record.running--
    isOver = true
  }
  return new ReadableStream<string>(
    {
      start(controller) {
        const abort = (by: AbortSignal): void => {
          if (isOver) return
          close()
          controller.error(by.reason)
        }
        ended.addEventListener('abort', () => abort(ended))
        if (!script.deaf) signal?.addEventListener('abort', () => abort(signal))
      },
      async pull(controller) {
        record.pulls++
        try {
          if (at === 0) await begin()
          if (at === stallAfter) await stall(script, ended, until)
          const chunk = chunks[at++]
          if (isOver) return
          if (chunk !== undefined) {
            addOutput(chunk)
            return controller.enqueue(chunk)
          }
          close()
          if (error) return controller.error(error)
          // Chrome counts the token that ends a response, too.
          addOutput('.')
          controller.close()
        } catch (failure) {
          if (isOver) return
          close()
          controller.error(failure)
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}

/** Waits until `until` settles or the signal aborts. */
const stall = ({ deaf }: LanguageModelScript, signal: AbortSignal | undefined, until: Promise<unknown> = new Promise(() => {})) =>
  Promise.race([
    until,
    new Promise((_, reject) => {
      if (!deaf) signal?.addEventListener('abort', () => reject(signal.reason))
    }),
  ])

/** One token per character, and three control tokens per message. */
const tokens = (input: string | readonly PromptMessage[]): number =>
  typeof input === 'string'
    ? input.length + 3
    : input.reduce((sum, { content }) => sum + 3 + (typeof content === 'string' ? content.length : 10 * content.length), 0)

/** The specification's algorithm "validate and canonicalize a prompt". */
function checkPrompts(messages: readonly PromptMessage[], { expectedInputs = [] }: CreateOptions, isFirst: boolean): void {
  for (const [i, { role, content, prefix }] of messages.entries()) {
    if (role === 'system' && (i > 0 || !isFirst)) throw new TypeError('A system prompt comes first.')
    if (prefix && (role !== 'assistant' || i < messages.length - 1)) throw new DOMException('A prefix comes last.', 'SyntaxError')
    for (const { type, value } of typeof content === 'string' ? [] : content) {
      if (role === 'assistant' && type !== 'text') throw new DOMException('No image of an assistant.', 'NotSupportedError')
      const isExpected = type === 'text' || expectedInputs.some((expected) => expected.type === type)
      if (!isExpected) throw new DOMException(`${type} is not expected.`, 'NotSupportedError')
      if (type === 'image' && !(value instanceof Blob)) throw new TypeError('An image is a Blob.')
    }
  }
}
