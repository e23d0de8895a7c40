import type { Delta } from '../core/delta.ts'
import type { RunEvent } from '../core/event.ts'
import { type ToolMessage, textOf } from '../core/message.ts'
import { parseJson } from '../core/util/parse-json.ts'
import type { UIMessagePart } from './part.ts'

type Piece = Extract<Delta, { readonly type: 'tool-call' }>

/** The tool calls of an answer: what models ask for, piece by piece, and what tools answer. */
export class Calls {
  readonly #add: (part: UIMessagePart) => void
  readonly #errorText: (error: unknown) => string
  /** Calls that models are still writing, by run and index. */
  readonly #written = new Map<string, { readonly id: string; readonly name: string; args: string }>()
  /** Calls whose input has been told. */
  readonly #told = new Set<string>()
  /** Runs of tools that answer a model's call, and its id. */
  readonly #ids = new Map<string, string>()

  constructor(add: (part: UIMessagePart) => void, errorText: (error: unknown) => string) {
    this.#add = add
    this.#errorText = errorText
  }

  /** A piece of a call that a model writes. */
  piece(run: string, { index, id, name, args = '' }: Piece): void {
    const key = `${run}/${index}`
    let call = this.#written.get(key)
    if (!call) {
      call = { id: id || key, name: name ?? '', args: '' }
      this.#written.set(key, call)
      this.#add({ type: 'tool-input-start', toolCallId: call.id, toolName: call.name })
    }
    call.args += args
    if (args !== '') this.#add({ type: 'tool-input-delta', toolCallId: call.id, inputTextDelta: args })
  }

  /** A model has said all: its calls are whole. */
  ended(run: string): void {
    for (const [key, { id, name, args }] of this.#written) {
      if (!key.startsWith(`${run}/`)) continue
      this.#written.delete(key)
      this.#input(id, name, parseJson(args || '{}') ?? args)
    }
  }

  /** What happens to the run of a tool; true where it has ended. */
  tool(event: RunEvent): boolean {
    const { id } = event.run
    if (event.type === 'start') {
      const input = event.input as { id?: unknown; name?: unknown; args?: unknown } | undefined
      const isCall = typeof input?.id === 'string' && typeof input.name === 'string' && 'args' in input
      if (isCall) this.#ids.set(id, input.id as string)
      const callId = this.#ids.get(id) ?? id
      if (!this.#told.has(callId)) this.#input(callId, event.run.name, isCall ? input.args : event.input)
      return false
    }
    const toolCallId = this.#ids.get(id) ?? id
    if (event.type === 'end') this.#output(toolCallId, event.output)
    else if (event.type === 'error') this.#add({ type: 'tool-output-error', toolCallId, errorText: this.#errorText(event.error) })
    else return false
    this.#ids.delete(id)
    return true
  }

  #input(toolCallId: string, toolName: string, input: unknown): void {
    this.#told.add(toolCallId)
    this.#add({ type: 'tool-input-available', toolCallId, toolName, input: input ?? null })
  }

  #output(toolCallId: string, output: unknown): void {
    const message = output as ToolMessage | undefined
    if (message?.role !== 'tool') this.#add({ type: 'tool-output-available', toolCallId, output: output ?? null })
    else if (message.isError) this.#add({ type: 'tool-output-error', toolCallId, errorText: textOf(message) })
    else this.#add({ type: 'tool-output-available', toolCallId, output: dataIn(message.content) })
  }
}

/** What a tool gave, where a model is told of it as JSON: a page shows its fields. */
const dataIn = (content: ToolMessage['content']): unknown =>
  typeof content === 'string' && /^[[{]/.test(content) ? (parseJson(content) ?? content) : content
