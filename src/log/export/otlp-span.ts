import { errorTexts } from '../../console/text.ts'
import type { EndEvent, EventOf, Run, RunEvent } from '../../core/event.ts'
import { callId, inputAttributes, outputAttributes, stopReason } from './otlp-content.ts'
import { errorType, stopCode } from './otlp-error.ts'
import {
  findConversationId,
  findOperation,
  isModel,
  modelAttributes,
  SPAN_KIND_CLIENT,
  SPAN_KIND_INTERNAL,
  usageAttributes,
} from './otlp-names.ts'
import {
  type Attribute,
  type AttributeValue,
  attribute,
  attributes,
  spanId,
  toAttributeText,
  toUnixNanos,
  toWellFormed,
  traceId,
} from './otlp-value.ts'

/** As many as OpenTelemetry's SDKs keep for a span where nothing else is said (EventCountLimit). */
const MAX_SPAN_EVENTS = 128

/** `STATUS_CODE_ERROR`. What ended well has none: whether it was well is for the program to say. */
const STATUS_CODE_ERROR = 2

/** The span of a run that goes on. */
export class OpenSpan {
  /** How many characters may still be dropped. */
  size: number
  readonly run: Run
  readonly #startedAt: number
  readonly #callId: string | undefined
  readonly #parent: Run | undefined
  readonly #withContent: boolean
  #inputAttributes: readonly Attribute[] = []
  #events: object[] = []
  #droppedEvents = 0
  #droppedAttributes = 0
  #firstTokenAt: number | undefined

  constructor({ run, at, input }: EventOf<'start'>, parent: Run | undefined, withContent: boolean) {
    this.run = run
    this.#startedAt = at
    this.#callId = run.kind === 'tool' ? callId(input) : undefined
    this.#parent = parent
    this.#withContent = withContent
    if (withContent) this.#inputAttributes = inputAttributes(run, input)
    this.size = JSON.stringify(this.#inputAttributes).length
  }

  addEvent(event: RunEvent): void {
    if (event.type === 'token' || event.type === 'delta') this.#firstTokenAt ??= event.at
    else if (event.type === 'retry')
      this.#addSpanEvent(event.at, 'chaintap.retry', {
        'chaintap.attempt': event.attempt,
        'error.type': errorType(event.error),
        ...this.#exceptionAttributes(event.error),
      })
    else if (event.type === 'custom')
      this.#addSpanEvent(event.at, event.name.slice(0, 256), {
        'chaintap.data': this.#withContent ? toAttributeText(event.data) : undefined,
      })
  }

  /** What it was given and what happened to it, where there is no room for them. */
  dropContent(): void {
    this.#droppedAttributes += this.#inputAttributes.length
    this.#droppedEvents += this.#events.length
    this.#inputAttributes = []
    this.#events = []
    this.size = 0
  }

  /** The span as JSON. Without an end it ends when its tree was last heard of. `isNews`: its error is not one that a child has told. */
  toJson(last: number, end: EndEvent | undefined, isNews = false): string {
    const { run } = this
    const at = this.#startedAt
    const failure = end?.type === 'error' && stopCode(end.error) === undefined ? end : undefined
    if (failure && isNews) this.#addSpanEvent(failure.at, 'exception', this.#exceptionAttributes(failure.error))
    const span = {
      traceId: traceId(run.rootId),
      spanId: spanId(run.id),
      ...(this.#parent && { parentSpanId: spanId(this.#parent.id) }),
      name: spanName(run, end),
      kind: isModel(run) ? SPAN_KIND_CLIENT : SPAN_KIND_INTERNAL,
      startTimeUnixNano: toUnixNanos(at),
      // Clocks can be set back.
      endTimeUnixNano: toUnixNanos(Math.max(at, end?.at ?? last)),
      attributes: [
        ...this.#outcomeAttributes(end),
        ...(isModel(run) ? this.#responseAttributes(end) : []),
        ...runAttributes(run),
        ...this.#contentAttributes(end),
      ],
      ...(this.#droppedAttributes > 0 && { droppedAttributesCount: this.#droppedAttributes }),
      events: this.#events,
      ...(this.#droppedEvents > 0 && { droppedEventsCount: this.#droppedEvents }),
      ...(failure && {
        status: { code: STATUS_CODE_ERROR, ...(this.#withContent && { message: toWellFormed(errorTexts(failure.error)[0] ?? '') }) },
      }),
    }
    return JSON.stringify(span)
  }

  #outcomeAttributes(end: EndEvent | undefined): Attribute[] {
    const { run } = this
    const { operation, nameAttribute } = findOperation(run) ?? {}
    const stopped = end?.type === 'error' ? stopCode(end.error) : undefined
    return attributes({
      'gen_ai.operation.name': operation,
      'gen_ai.conversation.id': operation && findConversationId(run),
      ...(nameAttribute && { [nameAttribute]: run.name }),
      ...(run.kind === 'tool' && { 'gen_ai.tool.type': 'function', 'gen_ai.tool.call.id': this.#callId }),
      'error.type': end?.type === 'error' && stopped === undefined ? errorType(end.error) : undefined,
      'chaintap.stopped': stopped,
      'chaintap.unfinished': end ? undefined : true,
    })
  }

  #contentAttributes(end: EndEvent | undefined): readonly Attribute[] {
    if (!this.#withContent || !end) return this.#inputAttributes
    return [
      ...this.#inputAttributes,
      ...(end.type === 'end' ? outputAttributes(this.run, end.output) : outputAttributes(this.run, end.partial, true)),
    ]
  }

  /** What a model's run tells. Tokens are told of streams alone. */
  #responseAttributes(end: EndEvent | undefined): Attribute[] {
    const { run } = this
    const first = this.#firstTokenAt
    const reason = stopReason(end?.type === 'end' ? end.output : end?.partial)
    return [
      ...modelAttributes(run, end?.answered),
      ...attributes({
        'gen_ai.request.stream': first === undefined ? undefined : true,
        'gen_ai.response.time_to_first_chunk': first === undefined ? undefined : { double: Math.max(0, first - this.#startedAt) / 1_000 },
        'gen_ai.response.finish_reasons': reason === undefined ? undefined : [reason],
      }),
      ...(end?.usage ? usageAttributes(end.usage) : []),
    ]
  }

  #addSpanEvent(at: number, name: string, facts: Readonly<Record<string, AttributeValue | undefined>>): void {
    if (this.#events.length === MAX_SPAN_EVENTS) {
      this.#droppedEvents++
      return
    }
    const event = { timeUnixNano: toUnixNanos(Math.max(at, this.#startedAt)), name: toWellFormed(name), attributes: attributes(facts) }
    this.size += JSON.stringify(event).length
    this.#events.push(event)
  }

  /** What an error says may quote what a user has said. */
  #exceptionAttributes(error: unknown): Readonly<Record<string, AttributeValue | undefined>> {
    const [, ...causes] = errorTexts(error)
    const message = [error instanceof Error ? error.message : toAttributeText(error), ...causes].join('\n  caused by ')
    return {
      'exception.type': error instanceof Error ? error.name : '_OTHER',
      'exception.message': this.#withContent ? message : undefined,
    }
  }
}

/** `chat claude-sonnet-5`; which model was asked for is not in a log, so it is the one that has answered. */
function spanName(run: Run, end: EndEvent | undefined): string {
  const words = [findOperation(run)?.operation, isModel(run) ? end?.answered?.model : run.name]
  return toWellFormed(words.filter(Boolean).join(' ')) || run.kind
}

const runAttributes = ({ id, name, kind, tags, metadata }: Run): Attribute[] => [
  ...attributes({
    'chaintap.run.id': id,
    'chaintap.run.name': name,
    'chaintap.run.kind': kind,
    'chaintap.tags': tags.length > 0 ? tags : undefined,
  }),
  ...Object.entries(metadata).map(([key, value]) =>
    attribute(`chaintap.metadata.${key}`, isPrimitive(value) ? value : toAttributeText(value)),
  ),
]

const isPrimitive = (value: unknown): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value)
