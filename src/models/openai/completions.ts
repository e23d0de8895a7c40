import { reportedError } from '../../tokens/answer/reported-error.ts'
import { OpenAIDecoder } from '../chat-completions/decoder.ts'
import type { Wire } from '../wire.ts'
import type { OpenAIConnection } from './connection.ts'
import { type OpenAICallOptions, openaiRequestBody } from './request.ts'

/** The model of calls that name none. */
export const defaultCompletionsModel = 'gpt-3.5-turbo-instruct'

/** The format of OpenAI's Completions API, `POST /completions`: https://platform.openai.com/docs/api-reference/completions. */
export const openaiCompletionsWire: Wire<OpenAICallOptions, string, OpenAIConnection> = {
  request: (prompt, options, streaming, { streamOptions }) => {
    const { model = defaultCompletionsModel, maxTokens = 256 } = options
    return { path: '/completions', body: openaiRequestBody(options, { model, prompt, max_tokens: maxTokens }, streaming, streamOptions) }
  },
  decoder: (isStream) => new OpenAIDecoder(isStream),
  parseError: reportedError,
}
