import { createPartWriter, type PartWriter } from '../../ai-sdk/part-writer.ts'
import { plainJson } from '../../core/json/plain.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import type { ResponseWriter, ResponseWriterOptions } from '../response/format.ts'

/** Writes the AI SDK's UI message stream v1: one unnamed server-sent event for each part, then `[DONE]`. */
export function uiMessageWriter({ expose, messageId }: ResponseWriterOptions): ResponseWriter {
  const parts: PartWriter = createPartWriter({ errorText: (error) => errorMessage(expose(error)), messageId })
  const frame = (part: unknown): string => `data: ${plainJson(part)}\n\n`
  return {
    write: (batch) => parts.write(batch).map(frame).join(''),
    end: (outcome) => `${parts.end(outcome).map(frame).join('')}data: [DONE]\n\n`,
  }
}
