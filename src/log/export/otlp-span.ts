import { errorTexts, isStop } from '../../console/text.ts'
import type { EventOf, Run, RunEvent } from '../../core/event.ts'
import { callId, inputAttributes, outputAttributes, stopReason } from './otlp-content.ts'
import { CLIENT, conversationOf, INTERNAL, isModel, modelAttributes, operationOf, usageAttributes } from './otlp-names.ts'
import { type Attribute, attribute, attributes, nanos, spanId, textOf, traceId, type Value, wellFormed } from './otlp-value.ts'

/** As many as OpenTelemetry's SDKs keep for a span where nothing else is said (EventCountLimit). */
const EVENTS = 128

/** `STATUS_CODE_ERROR`. What ended well has none: whether it was well is for the program to say. */
const ERROR = 2

type End = EventOf<'end' | 'error'>

/** The span of a run that goes on. */
export class OpenSpan {
  /** How many characters may still be dropped. */
  size: number
  readonly run: Run
  readonly #at: number
  readonly #callId: string | undefined
  readonly #parent: Run | undefined
  readonly #withContent: boolean
  #given: readonly Attribute[] = []
  #events: object[] = []
  #droppedEvents = 0
  #droppedAttributes = 0
  #firstAt: number | undefined

  constructor({ run, at, input }: EventOf<'start'>, parent: Run | undefined, withContent: boolean) {
    this.run = run
    this.#at = at
    this.#callId = run.kind === 'tool' ? callId(input) : undefined
    this.#parent = parent
    this.#withContent = withContent
    if (withContent) this.#given = inputAttributes(run, input)
    this.size = JSON.stringify(this.#given).length
  }

  hear(event: RunEvent): void {
    if (event.type === 'token' || event.type === 'delta') this.#firstAt ??= event.at
    else if (event.type === 'retry')
      this.#happened(event.at, 'chaintap.retry', {
        'chaintap.attempt': event.attempt,
        'error.type': errorType(event.error),
        ...this.#exception(event.error),
      })
    else if (event.type === 'custom')
      this.#happened(event.at, event.name.slice(0, 256), { 'chaintap.data': this.#withContent ? textOf(event.data) : undefined })
  }

  /** What it was given and what happened to it, where there is no room for them. */
  drop(): void {
    this.#droppedAttributes += this.#given.length
    this.#droppedEvents += this.#events.length
    this.#given = []
    this.#events = []
    this.size = 0
  }

  /** The span as JSON. Without an end it ends when its tree was last heard of. `isNews`: its error is not one that a child has told. */
  end(last: number, end: End | undefined, isNews = false): string {
    const { run } = this
    const at = this.#at
    const failure = end?.type === 'error' && stopOf(end.error) === undefined ? end : undefined
    if (failure && isNews) this.#happened(failure.at, 'exception', this.#exception(failure.error))
    const span = {
      traceId: traceId(run.rootId),
      spanId: spanId(run.id),
      ...(this.#parent && { parentSpanId: spanId(this.#parent.id) }),
      name: nameOf(run, end),
      kind: isModel(run) ? CLIENT : INTERNAL,
      startTimeUnixNano: nanos(at),
      // Clocks can be set back.
      endTimeUnixNano: nanos(Math.max(at, end?.at ?? last)),
      attributes: [...this.#outcome(end), ...(isModel(run) ? this.#answer(end) : []), ...runAttributes(run), ...this.#content(end)],
      ...(this.#droppedAttributes > 0 && { droppedAttributesCount: this.#droppedAttributes }),
      events: this.#events,
      ...(this.#droppedEvents > 0 && { droppedEventsCount: this.#droppedEvents }),
      ...(failure && { status: { code: ERROR, ...(this.#withContent && { message: wellFormed(errorTexts(failure.error)[0] ?? '') }) } }),
    }
    return JSON.stringify(span)
  }

  #outcome(end: End | undefined): Attribute[] {
    const { run } = this
    const { operation, named } = operationOf(run) ?? {}
    const stopped = end?.type === 'error' ? stopOf(end.error) : undefined
    return attributes({
      'gen_ai.operation.name': operation,
      'gen_ai.conversation.id': operation && conversationOf(run),
      ...(named && { [named]: run.name }),
      ...(run.kind === 'tool' && { 'gen_ai.tool.type': 'function', 'gen_ai.tool.call.id': this.#callId }),
      'error.type': end?.type === 'error' && stopped === undefined ? errorType(end.error) : undefined,
      'chaintap.stopped': stopped,
      'chaintap.unfinished': end ? undefined : true,
    })
  }

  #content(end: End | undefined): readonly Attribute[] {
    if (!this.#withContent || !end) return this.#given
    return [
      ...this.#given,
      ...(end.type === 'end' ? outputAttributes(this.run, end.output) : outputAttributes(this.run, end.partial, true)),
    ]
  }

  /** What a model's run tells. Tokens are told of streams alone. */
  #answer(end: End | undefined): Attribute[] {
    const { run } = this
    const first = this.#firstAt
    const reason = stopReason(end?.type === 'end' ? end.output : end?.partial)
    return [
      ...modelAttributes(run, end?.answered),
      ...attributes({
        'gen_ai.request.stream': first === undefined ? undefined : true,
        'gen_ai.response.time_to_first_chunk': first === undefined ? undefined : { double: Math.max(0, first - this.#at) / 1_000 },
        'gen_ai.response.finish_reasons': reason === undefined ? undefined : [reason],
      }),
      ...(end?.usage ? usageAttributes(end.usage) : []),
    ]
  }

  #happened(at: number, name: string, facts: Readonly<Record<string, Value | undefined>>): void {
    if (this.#events.length === EVENTS) {
      this.#droppedEvents++
      return
    }
    const event = { timeUnixNano: nanos(Math.max(at, this.#at)), name: wellFormed(name), attributes: attributes(facts) }
    this.size += JSON.stringify(event).length
    this.#events.push(event)
  }

  /** What an error says may quote what a user has said. */
  #exception(error: unknown): Readonly<Record<string, Value | undefined>> {
    const [, ...causes] = errorTexts(error)
    const message = [error instanceof Error ? error.message : textOf(error), ...causes].join('\n  caused by ')
    return {
      'exception.type': error instanceof Error ? error.name : '_OTHER',
      'exception.message': this.#withContent ? message : undefined,
    }
  }
}

/** `chat claude-sonnet-5`; which model was asked for is not in a log, so it is the one that has answered. */
function nameOf(run: Run, end: End | undefined): string {
  const words = [operationOf(run)?.operation, isModel(run) ? end?.answered?.model : run.name]
  return wellFormed(words.filter(Boolean).join(' ')) || run.kind
}

const runAttributes = ({ id, name, kind, tags, metadata }: Run): Attribute[] => [
  ...attributes({
    'chaintap.run.id': id,
    'chaintap.run.name': name,
    'chaintap.run.kind': kind,
    'chaintap.tags': tags.length > 0 ? tags : undefined,
  }),
  ...Object.entries(metadata).map(([key, value]) => attribute(`chaintap.metadata.${key}`, isPlain(value) ? value : textOf(value))),
]

const isPlain = (value: unknown): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value)

/** A word for a sort of error: the provider's own, an HTTP status, a code of ours, or the name of its class. */
function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  const { providerType, status, code } = error as { providerType?: unknown; status?: unknown; code?: unknown }
  const words = [providerType, typeof status === 'number' ? `${status}` : '', code, error.name]
  const word = words.find((word) => typeof word === 'string' && word !== '')
  return typeof word === 'string' ? word.slice(0, 128) : '_OTHER'
}

/** How a run was stopped, where that is no failure: somebody left. A timeout and a budget are failures. */
function stopOf(error: unknown): string | undefined {
  if (!isStop(error)) return undefined
  const code = errorType(error)
  if (code === 'AbortError') return 'aborted'
  return code === 'timeout' || code === 'budget_exceeded' ? undefined : code
}
