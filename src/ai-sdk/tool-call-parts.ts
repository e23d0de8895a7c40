import type { Delta } from '../core/delta.ts'
import type { RunEvent } from '../core/event.ts'
import { type AssistantMessage, type ToolCall, type ToolMessage, textOf } from '../core/message.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { parseArguments } from '../messages/arguments.ts'
import { type UIJsonValue, type UIMessagePart, valueOrNull } from './part.ts'

type ToolCallDelta = Extract<Delta, { readonly type: 'tool-call' }>

/** Converts the tool calls of a run: the deltas of models, and the results of tools. */
export class ToolCallParts {
  readonly #addPart: (part: UIMessagePart) => void
  readonly #errorText: (error: unknown) => string
  /** Calls whose arguments are incomplete, by run id and index. */
  readonly #pendingInputs = new Map<string, { readonly id: string; readonly name: string; args: string }>()
  /** Ids of the calls whose input was sent. */
  readonly #announcedCallIds = new Set<string>()
  /** Ids of the calls whose input was sent, but no result. */
  readonly #pendingCallIds = new Set<string>()
  /** Ids of the calls that tool runs answer, by run id. */
  readonly #callIdsByRun = new Map<string, string>()

  constructor(addPart: (part: UIMessagePart) => void, errorText: (error: unknown) => string) {
    this.#addPart = addPart
    this.#errorText = errorText
  }

  /** Whether calls have no result. */
  get hasPending(): boolean {
    return this.#pendingCallIds.size > 0
  }

  /** Converts a delta of a tool call. */
  addDelta(run: string, { index, id, name, args = '' }: ToolCallDelta): void {
    const key = `${run}/${index}`
    let call = this.#pendingInputs.get(key)
    if (!call) {
      call = { id: id || key, name: name ?? '', args: '' }
      this.#pendingInputs.set(key, call)
      this.#addPart({ type: 'tool-input-start', toolCallId: call.id, toolName: call.name })
    }
    call.args += args
    if (args !== '') this.#addPart({ type: 'tool-input-delta', toolCallId: call.id, inputTextDelta: args })
  }

  /** Sends the input of a model's calls, which are complete. Those that are not valid JSON are errors: a page must not run its tool. */
  completeInputs(run: string, output?: unknown): void {
    const { toolCalls = [] } = Object(output) as Partial<AssistantMessage>
    for (const [key, { id, name, args }] of this.#pendingInputs) {
      if (!key.startsWith(`${run}/`)) continue
      this.#pendingInputs.delete(key)
      this.#addInput({ id, name, ...(toolCalls.find((call) => call.id === id) ?? parseArguments(args)) })
    }
  }

  /** Converts an event of a tool run. Returns true if it ended the run. */
  handleToolEvent(event: RunEvent): boolean {
    const { id } = event.run
    if (event.type === 'start') {
      const input = event.input as { id?: unknown; name?: unknown; args?: unknown } | undefined
      const isCall = typeof input?.id === 'string' && typeof input.name === 'string' && 'args' in input
      if (isCall) this.#callIdsByRun.set(id, input.id as string)
      const callId = this.#callIdsByRun.get(id) ?? id
      if (!this.#announcedCallIds.has(callId)) this.#addInput({ id: callId, name: event.run.name, args: isCall ? input.args : event.input })
      return false
    }
    const toolCallId = this.#callIdsByRun.get(id) ?? id
    if (event.type === 'end') this.#addOutput(toolCallId, event.output)
    else if (event.type === 'error') this.#addPart({ type: 'tool-output-error', toolCallId, errorText: this.#errorText(event.error) })
    else return false
    this.#callIdsByRun.delete(id)
    this.#pendingCallIds.delete(toolCallId)
    return true
  }

  #addInput({ id: toolCallId, name: toolName, args, isInvalid, extra }: ToolCall): void {
    this.#announcedCallIds.add(toolCallId)
    const call = { toolCallId, toolName, input: valueOrNull(args) }
    if (isInvalid) return this.#addPart({ type: 'tool-input-error', ...call, errorText: 'The arguments are not valid JSON.' })
    this.#pendingCallIds.add(toolCallId)
    this.#addPart({
      type: 'tool-input-available',
      ...call,
      ...(extra && { providerMetadata: { chaintap: extra as Record<string, UIJsonValue> } }),
    })
  }

  #addOutput(toolCallId: string, output: unknown): void {
    const message = output as ToolMessage | undefined
    if (message?.role !== 'tool') this.#addPart({ type: 'tool-output-available', toolCallId, output: valueOrNull(output) })
    else if (message.isError) this.#addPart({ type: 'tool-output-error', toolCallId, errorText: textOf(message) })
    else this.#addPart({ type: 'tool-output-available', toolCallId, output: parseToolOutput(message.content) })
  }
}

/** Parses the JSON that a tool message contains, so that a page can show its fields. */
const parseToolOutput = (content: ToolMessage['content']): unknown =>
  typeof content === 'string' && /^[[{]/.test(content) ? (parseJson(content) ?? content) : content
