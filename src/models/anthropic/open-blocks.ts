import type { Delta } from '../../core/delta.ts'
import type { ArgumentText } from '../argument-text.ts'
import type { WireBlock } from './events.ts'

/** A block that is a tool call, or is emitted when complete. */
export interface OpenBlock {
  readonly block: WireBlock
  /** Which call it is. */
  readonly call: number
  /** The JSON of its input so far, unless it is a tool call. */
  json: string
  /** The arguments of a tool call. */
  readonly args?: ArgumentText
}

/** The start of arguments that may belong to another call. It is not JSON: such a call is invalid and runs no tool. */
const AMBIGUOUS_START = 'Ambiguous: '

/**
 * Returns the block that a piece of input belongs to if its index is that of no open block: the last that takes input. If another one
 * waits for its input as well, all calls that do are made invalid.
 *
 * @throws Error if there is none.
 */
export function blockOfMisplacedInput(open: Iterable<OpenBlock>, deltas: Delta[]): OpenBlock {
  const blocks = [...open].filter(({ block }) => block.type?.endsWith('tool_use'))
  const last = blocks.at(-1)
  if (!last) throw new Error('input_json_delta without a tool call that is open')
  const waiting = blocks.filter((block) => block === last || isWaiting(block))
  if (waiting.length > 1) for (const { args, call } of waiting) if (args?.isEmpty) pushArguments(args.add(AMBIGUOUS_START), call, deltas)
  return last
}

const isWaiting = ({ block, args, json }: OpenBlock): boolean =>
  (args ? args.isEmpty && args.heldBack === '' : json === '') && Object.keys(Object(block.input)).length === 0

/** Adds a piece of a call's arguments. */
export function pushArguments(args: string, index: number, deltas: Delta[]): void {
  if (args !== '') deltas.push({ type: 'tool-call', index, args })
}
