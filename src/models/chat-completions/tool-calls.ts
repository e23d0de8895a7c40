import type { Delta } from '../../core/delta.ts'
import type { Message } from '../../core/message.ts'
import { isCutReason } from '../../messages/arguments.ts'
import { readToolCallPiece, toolCallPieces } from '../../tokens/answer/openai-tool-calls.ts'
import type { OpenAIChunkMessage, OpenAIToolCallPiece } from '../../tokens/usage/openai-chunk.ts'
import { ArgumentText } from '../argument-text.ts'
import { uniqueCallIds } from '../call-ids.ts'
import { ReasoningFields } from './reasoning-fields.ts'

/** A tool call while it arrives. */
interface PendingCall {
  /** Its position among the calls of the response. */
  readonly index: number
  /** The id and the index that the server sent. */
  readonly sentId: unknown
  readonly sentIndex: number | undefined
  name: string
  /** Whether the last piece was the name alone: the next arguments may be those of another call. */
  isNamedAgain: boolean
  /** The arguments; `undefined` for a custom tool, whose input is text. */
  readonly args: ArgumentText | undefined
  isEnded: boolean
}

type ToolCallDelta = Extract<Delta, { readonly type: 'tool-call' }>

/**
 * Decodes the tool calls of one response. A piece belongs to the call with its index, which OpenAI sends with each piece, or with its id. A
 * piece that has neither continues the last call. Servers differ from OpenAI in many ways:
 *
 * - Some number all calls 0, or give two calls one id. A piece with a name is a new call if its id or its name is another, or if the
 *   arguments so far are complete and its own differ.
 * - Some give each piece a new id, but no name.
 * - Some send arguments as an object, or again as a whole: see {@link ArgumentText}.
 */
export class OpenAIToolCalls {
  readonly #uniqueId: (id: unknown) => string
  readonly #calls: PendingCall[] = []
  /** The last calls with an id or an index. */
  readonly #byId = new Map<unknown, PendingCall>()
  readonly #byIndex = new Map<number, PendingCall>()
  readonly #reasoning = new ReasoningFields()

  constructor(messages: readonly Message[]) {
    this.#uniqueId = uniqueCallIds(messages)
  }

  /** Decodes the calls of a whole message that no delta had. */
  decodeRest(message: OpenAIChunkMessage): readonly Delta[] {
    return toolCallPieces(message)
      .slice(this.#calls.length)
      .flatMap((piece) => this.#decodePiece({ ...piece, index: this.#calls.length }, undefined) ?? [])
  }

  /** Decodes the calls of a whole message, or of what a chunk adds to one. */
  decode(message: OpenAIChunkMessage, isWhole: boolean): readonly Delta[] {
    this.#reasoning.add(message)
    const pieces = toolCallPieces(message)
    const isList = isWhole || pieces.length > 1
    // The items of a whole list are separate calls, whatever their indexes say.
    const ordered = isWhole ? pieces.map((piece, index) => ({ ...piece, index })) : pieces
    return ordered.flatMap((piece, position) => this.#decodePiece(piece, isList ? position : undefined) ?? [])
  }

  /** Completes the calls when the response ends. If it was cut, `{}` and the input of a custom tool stay incomplete. */
  end(reason?: string): readonly Delta[] {
    const deltas: Delta[] = []
    for (const call of this.#calls) {
      const rest = isCutReason(reason) ? '' : (call.args?.heldBack ?? '"')
      if (rest !== '' && !call.isEnded) deltas.push({ type: 'tool-call', index: call.index, args: rest })
      call.isEnded = true
    }
    return this.#calls.length > 0 ? [...deltas, ...this.#reasoning.take()] : deltas
  }

  #decodePiece(piece: OpenAIToolCallPiece, position: number | undefined): ToolCallDelta | undefined {
    const { id, extra_content } = piece
    const { name, text, isCustom } = readToolCallPiece(piece)
    const sentIndex = toIndex(piece.index) ?? position
    const known = this.#find(id, sentIndex, name)
    const isNew = !known || isAnotherCall(known, id, sentIndex, known.isNamedAgain ? name || known.name : name, text)
    const call = isNew ? this.#start(id, sentIndex, isCustom ? undefined : new ArgumentText()) : known
    const quote = isNew && isCustom ? '"' : ''
    const args = quote + (call.args ? call.args.add(text) : JSON.stringify(text).slice(1, -1))
    const newName = call.name === '' ? name || (known?.isNamedAgain ? known.name : '') : ''
    call.name ||= newName
    call.isNamedAgain = !isNew && name !== '' && text === ''
    const delta = {
      type: 'tool-call',
      index: call.index,
      ...(isNew && { id: this.#uniqueId(id) }),
      ...(newName && { name: newName }),
      ...(args && { args }),
      ...(extra_content ? { extra: { extra_content } } : {}),
    } as const
    // A piece that repeats what is known adds nothing.
    return Object.keys(delta).length > 2 ? delta : undefined
  }

  #start(sentId: unknown, sentIndex: number | undefined, args: ArgumentText | undefined): PendingCall {
    const call: PendingCall = { index: this.#calls.length, sentId, sentIndex, name: '', isNamedAgain: false, args, isEnded: false }
    this.#calls.push(call)
    if (sentId) this.#byId.set(sentId, call)
    if (sentIndex !== undefined) this.#byIndex.set(sentIndex, call)
    return call
  }

  /** The call that a piece may belong to. An index that is not known yet starts a call if there is a name, also with the id of another. */
  #find(id: unknown, index: number | undefined, name: string): PendingCall | undefined {
    const sameId = id ? this.#byId.get(id) : undefined
    if (index === undefined) return sameId ?? this.#calls.at(-1)
    return sameId?.sentIndex === index
      ? sameId
      : (this.#byIndex.get(index) ?? (name && sameId?.sentIndex !== undefined ? undefined : sameId))
  }
}

/** Reads an index. Some servers send it as text. */
const toIndex = (index: unknown): number | undefined =>
  typeof index === 'string' && /^\d+$/.test(index) ? Number(index) : typeof index === 'number' ? index : undefined

/** Whether a piece starts a new call although its index, its id or its place suggest a known one. */
function isAnotherCall(
  { sentId, name: known, args }: PendingCall,
  id: unknown,
  index: number | undefined,
  name: string,
  text: string,
): boolean {
  if (name === '') return false
  if ((id && sentId && id !== sentId) || (known !== '' && name !== known)) return true
  const isUnmarked = index === undefined && !id
  if (!isUnmarked || !args) return args ? args.isFollowedBy(text) : isUnmarked
  // Without a mark, a name alone, or with other arguments, begins another call. Other pieces continue the last one.
  if (args.isEmpty) return text === '' && args.heldBack !== ''
  return text === '' || (text.trimStart().startsWith('{') && !args.isRepeatedBy(text))
}
