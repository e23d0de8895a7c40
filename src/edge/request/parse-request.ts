import { ChaintapError } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import type { AnySchema } from '../../schema/json-schema.ts'
import type { ResponseFormat } from '../response/format.ts'
import { type CallerOptions, createRefusal, MISSING_INPUT_MESSAGE, parseCallerOptions, readJsonBody } from './body.ts'
import { type ClientProtocol, detectProtocol, negotiateFormat } from './negotiate.ts'

/** What a call asks for. */
export interface ParsedRequest {
  /** The chain's input. */
  readonly input: unknown
  /** What was sent, whole. */
  readonly body: Readonly<Record<string, unknown>>
  readonly options: CallerOptions
  readonly format: ResponseFormat
}

/** How calls are read. */
export interface ParseRequestOptions {
  /** The largest body that is read, in bytes. Default 1 MB. */
  readonly maxBytes?: number
  /** In which formats to answer, the first the one that is preferred. Default: all. */
  readonly formats?: readonly ResponseFormat[]
  /** What the input must be, by zod, valibot, arktype or any library of Standard Schema, or as JSON Schema; what it makes of it is the input. */
  readonly schema?: AnySchema
  /** Makes the chain's input of the conversation that `useChat`, an AG-UI or an OpenAI client sends. Default: the messages, as a chat model takes them. */
  readonly fromMessages?: (messages: readonly Message[], body: Readonly<Record<string, unknown>>) => unknown
}

const ALL_FORMATS: readonly ResponseFormat[] = ['events', 'text', 'ndjson', 'ui-message', 'openai', 'ag-ui']

/** Reads a call, or says what is wrong with it. */
export async function parseRequest(
  request: Request,
  options: ParseRequestOptions,
): Promise<ParsedRequest | { readonly refusal: Response }> {
  const { maxBytes = 1_048_576, formats = ALL_FORMATS, schema } = options
  const read = await readJsonBody(request, maxBytes)
  if ('refusal' in read) return read
  const { body } = read
  const speech = detectProtocol(body)
  if (!speech) return createRefusal(400, MISSING_INPUT_MESSAGE)
  const format = negotiateFormat(request, speech, formats)
  if (!format) return createRefusal(406, `This answers as ${formats.join(', ')} alone, and the request asks for none of them.`)
  const input = await resolveInput(body, speech, options)
  if (input instanceof Response) return { refusal: input }
  const checked = schema ? await validateInput(schema, input) : { input }
  return 'refusal' in checked ? checked : { input: checked.input, body, options: parseCallerOptions(body.options), format }
}

/** The chain's input, of whatever was sent. */
async function resolveInput(
  body: ParsedRequest['body'],
  speech: ClientProtocol,
  { fromMessages = (messages) => messages }: ParseRequestOptions,
): Promise<unknown> {
  if (speech === 'input') return body.input
  try {
    return fromMessages(await fromClientMessages(body.messages as readonly never[], speech), body)
  } catch (error) {
    if (error instanceof ChaintapError && error.code === 'invalid_message') return createRefusal(400, error.message).refusal
    throw error
  }
}

async function fromClientMessages(messages: readonly never[], speech: ClientProtocol): Promise<readonly Message[]> {
  if (speech === 'openai') return (await import('../formats/openai-request.ts')).fromOpenAIMessages(messages)
  if (speech === 'ag-ui') return (await import('../formats/ag-ui-request.ts')).fromAgUiMessages(messages)
  return (await import('../../ai-sdk/messages.ts')).fromUIMessages(messages)
}

async function validateInput(schema: AnySchema, input: unknown): Promise<{ readonly input: unknown } | { readonly refusal: Response }> {
  const { formatIssues, validate } = await import('../../schema/validate.ts')
  const checked = await validate(schema, input)
  if (!checked.issues) return { input: checked.value }
  const issues = checked.issues.map(({ message, path }) => ({ message, path: path.map(String) }))
  return { refusal: Response.json({ error: `The input does not fit:\n${formatIssues(checked.issues)}`, issues }, { status: 400 }) }
}
