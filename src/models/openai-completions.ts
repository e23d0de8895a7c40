import { OpenAIDecoder, openaiComplaint } from './choices.ts'
import type { OpenAIConnection } from './openai-connect.ts'
import { bodyOf, type OpenAICallOptions } from './openai-request.ts'
import type { Wire } from './wire.ts'

/** OpenAI's Completions API, `POST /completions`: https://platform.openai.com/docs/api-reference/completions. A text goes on. */
export const openaiCompletions: Wire<OpenAICallOptions, string, OpenAIConnection> = {
  request: (prompt, options, streaming, { streamOptions }) => {
    const { model = 'gpt-3.5-turbo-instruct', maxTokens = 256 } = options
    return { path: '/completions', body: bodyOf(options, { model, prompt, max_tokens: maxTokens }, streaming, streamOptions) }
  },
  decoder: () => new OpenAIDecoder(),
  complaint: openaiComplaint,
}
