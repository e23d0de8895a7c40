import type { Availability, LanguageModelFactory, LanguageModelSession, PromptMessage } from 'chaintap/browser-ai'

type CreateOptions = NonNullable<Parameters<LanguageModelFactory['create']>[0]>
type PromptOptions = NonNullable<Parameters<LanguageModelSession['prompt']>[1]>

/** What the browser's model does. */
export interface LanguageModelScript {
  /** Default `available`. */
  readonly availability?: Availability | Error
  /** Whether the visitor has just acted: without that no download begins. Default false. */
  readonly isActivated?: boolean
  /** How far the download is, one after the other. It fails after them with `downloadError`. */
  readonly progress?: readonly number[]
  readonly downloadError?: Error
  /** Thrown by `create`. */
  readonly createError?: Error
  /** What it says, piece by piece. Default: Hel, lo, !. */
  readonly chunks?: readonly string[]
  /** Comes after the pieces. */
  readonly error?: Error
  /** Nothing more comes after so many pieces, until `until` settles. */
  readonly stallAfter?: number | undefined
  /** No session comes, until `until` settles. */
  readonly stallBefore?: boolean | undefined
  readonly until?: Promise<unknown> | undefined
  /** Hears no signal: only `destroy()` and `cancel()` close anything. */
  readonly deaf?: boolean | undefined
  /** How its sessions call their counts: since 2026 `context…`, before `input…`. Default `new`. */
  readonly names?: 'new' | 'old' | 'none'
  /** Whether an answer counts as part of the conversation, as in Chrome, or not, as the specification has it. Default true. */
  readonly counts?: boolean
  /** Default: no limit. */
  readonly contextWindow?: number
  /** Calls these before it says anything. */
  readonly toolCalls?: readonly { readonly name: string; readonly args: unknown }[]
}

/** What was done with it. */
export interface FakeLanguageModel extends LanguageModelFactory {
  /** What `availability` was asked with. */
  readonly asked: readonly object[]
  /** What sessions were made with. */
  readonly made: readonly CreateOptions[]
  readonly prompted: readonly { readonly input: readonly PromptMessage[]; readonly options: PromptOptions }[]
  /** What its tools answered. */
  readonly answers: readonly string[]
  /** Sessions that are not destroyed. */
  readonly open: number
  /** Answers that are neither over nor cancelled. */
  readonly running: number
  readonly pulls: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] }
type Record = Mutable<Omit<FakeLanguageModel, keyof LanguageModelFactory>>

/** `LanguageModel` as it is published (https://webmachinelearning.github.io/prompt-api/), and what its specification refuses. */
export function fakeLanguageModel(script: LanguageModelScript | ((index: number) => LanguageModelScript) = {}): FakeLanguageModel {
  const scriptOf = typeof script === 'function' ? script : () => script
  const record: Record = { asked: [], made: [], prompted: [], answers: [], open: 0, running: 0, pulls: 0 }
  const factory: LanguageModelFactory = {
    async availability(options = {}) {
      record.asked.push(options)
      const { availability = 'available' } = scriptOf(record.made.length)
      if (availability instanceof Error) throw availability
      return availability
    },
    async create(options = {}) {
      const mine = scriptOf(record.made.push(options) - 1)
      options.signal?.throwIfAborted()
      checkPrompts(options.initialPrompts ?? [], options, true)
      await download(mine, options)
      if (mine.createError) throw mine.createError
      if (mine.stallBefore) await heard(mine, options.signal, mine.until)
      return sessionOf(mine, options, record)
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
      const tool = options.tools?.find((each) => each.name === name)
      if (tool) record.answers.push(await (tool.execute as (...args: unknown[]) => Promise<string>)(args))
    }
  }
  const said = (text: string): void => {
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
      return streamOf(script, { begin: () => begin(input, promptOptions), said, ended: ended.signal, signal: promptOptions.signal }, record)
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

interface Answer {
  readonly begin: () => Promise<void>
  readonly said: (text: string) => void
  readonly ended: AbortSignal
  readonly signal: AbortSignal | undefined
}

/** An answer: pull by pull, errored by the signal and by the session's end. */
function streamOf(script: LanguageModelScript, { begin, said, ended, signal }: Answer, record: Record): ReadableStream<string> {
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
          if (at === stallAfter) await heard(script, ended, until)
          const chunk = chunks[at++]
          if (isOver) return
          if (chunk !== undefined) {
            said(chunk)
            return controller.enqueue(chunk)
          }
          close()
          if (error) return controller.error(error)
          // Chrome counts what ends its turn, too.
          said('.')
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

/** Waits until it is told to go on, or the signal aborts. */
const heard = ({ deaf }: LanguageModelScript, signal: AbortSignal | undefined, until: Promise<unknown> = new Promise(() => {})) =>
  Promise.race([
    until,
    new Promise((_, reject) => {
      if (!deaf) signal?.addEventListener('abort', () => reject(signal.reason))
    }),
  ])

/** As many as characters, and three to control each message. */
const tokens = (input: string | readonly PromptMessage[]): number =>
  typeof input === 'string'
    ? input.length + 3
    : input.reduce((sum, { content }) => sum + 3 + (typeof content === 'string' ? content.length : 10 * content.length), 0)

/** Validate and canonicalize a prompt. */
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
