import type { OpenAIChunkMessage, OpenAIToolCallPiece } from '../usage/openai-chunk.ts'

/** What a piece of a tool call adds. */
export interface ToolCallAddition {
  readonly name: string
  /** Arguments as JSON text, or the input of a custom tool, which is any text. */
  readonly text: string
  readonly isCustom: boolean
}

/** The tool calls of a message, or of what a chunk adds to one, as a list. Some servers send one call, or an object of calls. */
export function toolCallPieces({ tool_calls: calls, function_call }: OpenAIChunkMessage): readonly OpenAIToolCallPiece[] {
  if (calls === null || typeof calls !== 'object') return function_call ? [{ function: function_call }] : []
  const list = Array.isArray(calls) ? calls : 'function' in calls || 'name' in calls ? [calls] : Object.values(calls)
  if (list.length === 0 && function_call) return [{ function: function_call }]
  return list.filter((call) => typeof call === 'object' && call !== null)
}

/** Reads the name and the text of a piece. Some servers send arguments as an object, or call them parameters. */
export function readToolCallPiece(piece: OpenAIToolCallPiece): ToolCallAddition {
  const { custom } = piece
  const called = piece.function ?? piece
  const value = custom ? custom.input : (called.arguments ?? called.parameters)
  return {
    name: (custom ?? called).name || '',
    text: typeof value === 'string' ? value : value ? JSON.stringify(value) : '',
    isCustom: Boolean(custom),
  }
}
