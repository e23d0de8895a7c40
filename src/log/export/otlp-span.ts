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

/** The default EventCountLimit of OpenTelemetry's SDKs. */
const MAX_SPAN_EVENTS = 128

/** `STATUS_CODE_ERROR`. Other spans have no status: instrumentation leaves `OK` to the application. */
const STATUS_CODE_ERROR = 2

/** The span of an unfinished run. */
export class OpenSpan {
  /** Number of characters of JSON that `dropContent` can free. */
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

  /** Drops the input and the span events, and counts them as dropped. */
  dropContent(): void {
    this.#droppedAttributes += this.#inputAttributes.length
    this.#droppedEvents += this.#events.length
    this.#inputAttributes = []
    this.#events = []
    this.size = 0
  }

  /** Returns the span as JSON. Without an end event it ends at `lastAt`. `isNewError`: no child has reported the same error. */
  toJson(lastAt: number, end: EndEvent | undefined, isNewError = false): string {
    const { run } = this
    const at = this.#startedAt
    const failure = end?.type === 'error' && stopCode(end.error) === undefined ? end : undefined
    if (failure && isNewError) this.#addSpanEvent(failure.at, 'exception', this.#exceptionAttributes(failure.error))
    const span = {
      traceId: traceId(run.rootId),
      spanId: spanId(run.id),
      ...(this.#parent && { parentSpanId: spanId(this.#parent.id) }),
      name: spanName(run, end),
      kind: isModel(run) ? SPAN_KIND_CLIENT : SPAN_KIND_INTERNAL,
      startTimeUnixNano: toUnixNanos(at),
      // The clock may have been set back.
      endTimeUnixNano: toUnixNanos(Math.max(at, end?.at ?? lastAt)),
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

  /** The response attributes of a model run. Only streams have token events. */
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

  /** The message of an error is content: it may quote user input. */
  #exceptionAttributes(error: unknown): Readonly<Record<string, AttributeValue | undefined>> {
    const [, ...causes] = errorTexts(error)
    const message = [error instanceof Error ? error.message : toAttributeText(error), ...causes].join('\n  caused by ')
    return {
      'exception.type': error instanceof Error ? error.name : '_OTHER',
      'exception.message': this.#withContent ? message : undefined,
    }
  }
}

/** `chat claude-sonnet-5`: the model that answered, because a log does not contain the requested one. */
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
