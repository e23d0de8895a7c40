import { ChaintapError } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import type { AnySchema } from '../../schema/json-schema.ts'
import type { ResponseFormat } from '../response/writer.ts'
import { bodyOf, type CallerOptions, NO_INPUT, optionsOf, refuse } from './body.ts'
import { formatOf, type Speech, speechOf } from './negotiate.ts'

/** What a call asks for. */
export interface Ask {
  /** The chain's input. */
  readonly input: unknown
  /** What was sent, whole. */
  readonly body: Readonly<Record<string, unknown>>
  readonly options: CallerOptions
  readonly format: ResponseFormat
}

/** How calls are read. */
export interface AskOptions {
  /** The largest body that is read, in bytes. Default 1 MB. */
  readonly maxBytes?: number
  /** In which formats to answer, the first the one that is preferred. Default: all. */
  readonly formats?: readonly ResponseFormat[]
  /** What the input must be, by zod, valibot, arktype or any library of Standard Schema, or as JSON Schema; what it makes of it is the input. */
  readonly schema?: AnySchema
  /** Makes the chain's input of the conversation that `useChat`, an AG-UI or an OpenAI client sends. Default: the messages, as a chat model takes them. */
  readonly fromMessages?: (messages: readonly Message[], body: Readonly<Record<string, unknown>>) => unknown
}

const all: readonly ResponseFormat[] = ['events', 'text', 'ndjson', 'ui-message', 'openai', 'ag-ui']

/** Reads a call, or says what is wrong with it. */
export async function askOf(request: Request, options: AskOptions): Promise<Ask | { readonly refusal: Response }> {
  const { maxBytes = 1_048_576, formats = all, schema } = options
  const read = await bodyOf(request, maxBytes)
  if ('refusal' in read) return read
  const { body } = read
  const speech = speechOf(body)
  if (!speech) return refuse(400, NO_INPUT)
  const format = formatOf(request, speech, formats)
  if (!format) return refuse(406, `This answers as ${formats.join(', ')} alone, and the request asks for none of them.`)
  const input = await inputOf(body, speech, options)
  if (input instanceof Response) return { refusal: input }
  const checked = schema ? await checkedBy(schema, input) : { input }
  return 'refusal' in checked ? checked : { input: checked.input, body, options: optionsOf(body.options), format }
}

/** The chain's input, of whatever was sent. */
async function inputOf(body: Ask['body'], speech: Speech, { fromMessages = (messages) => messages }: AskOptions): Promise<unknown> {
  if (speech === 'input') return body.input
  try {
    return fromMessages(await messagesOf(body.messages as readonly never[], speech), body)
  } catch (error) {
    if (error instanceof ChaintapError && error.code === 'invalid_message') return refuse(400, error.message).refusal
    throw error
  }
}

async function messagesOf(messages: readonly never[], speech: Speech): Promise<readonly Message[]> {
  if (speech === 'openai') return (await import('../formats/openai-request.ts')).fromOpenAIMessages(messages)
  if (speech === 'ag-ui') return (await import('../formats/ag-ui-request.ts')).fromAgUiMessages(messages)
  return (await import('../../ai-sdk/messages.ts')).fromUIMessages(messages)
}

async function checkedBy(schema: AnySchema, input: unknown): Promise<{ readonly input: unknown } | { readonly refusal: Response }> {
  const { issuesText, validate } = await import('../../schema/validate.ts')
  const checked = await validate(schema, input)
  if (!checked.issues) return { input: checked.value }
  const issues = checked.issues.map(({ message, path }) => ({ message, path: path.map(String) }))
  return { refusal: Response.json({ error: `The input does not fit:\n${issuesText(checked.issues)}`, issues }, { status: 400 }) }
}
