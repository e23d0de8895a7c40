import { ChaintapError } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import type { AnySchema } from '../../schema/json-schema.ts'
import type { ResponseFormat } from '../response/format.ts'
import { type CallerOptions, createRefusal, MISSING_INPUT_MESSAGE, parseCallerOptions, readJsonBody } from './body.ts'
import { type ClientProtocol, detectProtocol, negotiateFormat } from './negotiate.ts'

/** A parsed request: the third argument of a function that returns the chain. */
export interface ParsedRequest {
  /** The chain's input, validated if the options have a `schema`. */
  readonly input: unknown
  /** The whole JSON body. */
  readonly body: Readonly<Record<string, unknown>>
  /** The run options that the caller sent. */
  readonly options: CallerOptions
  /** The format of the response. */
  readonly format: ResponseFormat
}

/** How requests are parsed. */
export interface ParseRequestOptions {
  /**
   * The largest accepted body, in bytes.
   *
   * @defaultValue 1,048,576 (1 MiB)
   */
  readonly maxBytes?: number
  /**
   * The longest pause while the body arrives, in ms. The whole body may take twelve times as long. A slower one is refused with 408. 0 for
   * no limit.
   *
   * @defaultValue 5,000
   */
  readonly bodyIdleMs?: number
  /**
   * The formats of responses, the preferred one first.
   *
   * @defaultValue all
   */
  readonly formats?: readonly ResponseFormat[]
  /**
   * Validates the input: a schema of zod, valibot, arktype or any Standard Schema library, or a JSON Schema. Its output is the chain's
   * input.
   */
  readonly schema?: AnySchema
  /**
   * Converts the messages that `useChat`, an AG-UI or an OpenAI client sends to the chain's input.
   *
   * @defaultValue the messages themselves, which chat models accept
   */
  readonly fromMessages?: (messages: readonly Message[], body: Readonly<Record<string, unknown>>) => unknown
}

const ALL_FORMATS: readonly ResponseFormat[] = ['events', 'text', 'ndjson', 'ui-message', 'openai', 'ag-ui']

/** Parses a request, or returns the response that refuses it. */
export async function parseRequest(
  request: Request,
  options: ParseRequestOptions,
): Promise<ParsedRequest | { readonly refusal: Response }> {
  const { maxBytes = 1_048_576, bodyIdleMs = 5_000, formats = ALL_FORMATS, schema } = options
  const read = await readJsonBody(request, { maxBytes, bodyIdleMs })
  if ('refusal' in read) return read
  const { body } = read
  const protocol = detectProtocol(body)
  if (!protocol) return createRefusal(400, MISSING_INPUT_MESSAGE)
  const format = negotiateFormat(request, protocol, formats)
  if (!format) return createRefusal(406, `The Accept header matches none of the formats served here: ${formats.join(', ')}.`)
  const input = await resolveInput(body, protocol, options)
  if (input instanceof Response) return { refusal: input }
  const checked = schema ? await validateInput(schema, input) : { input }
  return 'refusal' in checked ? checked : { input: checked.input, body, options: parseCallerOptions(body.options), format }
}

/** Returns the chain's input, converted from messages if the body has those. */
async function resolveInput(
  body: ParsedRequest['body'],
  protocol: ClientProtocol,
  { fromMessages = (messages) => messages }: ParseRequestOptions,
): Promise<unknown> {
  if (protocol === 'input') return body.input
  try {
    return fromMessages(await fromClientMessages(body.messages as readonly never[], protocol), body)
  } catch (error) {
    if (error instanceof ChaintapError && error.code === 'invalid_message') return createRefusal(400, error.message).refusal
    throw error
  }
}

async function fromClientMessages(messages: readonly never[], protocol: ClientProtocol): Promise<readonly Message[]> {
  if (protocol === 'openai') return (await import('../formats/openai-request.ts')).fromOpenAIMessages(messages)
  if (protocol === 'ag-ui') return (await import('../formats/ag-ui-request.ts')).fromAgUiMessages(messages)
  return (await import('../../ai-sdk/messages.ts')).fromUIMessages(messages)
}

async function validateInput(schema: AnySchema, input: unknown): Promise<{ readonly input: unknown } | { readonly refusal: Response }> {
  const { formatIssues, validate } = await import('../../schema/validate.ts')
  const checked = await validate(schema, input)
  if (!checked.issues) return { input: checked.value }
  const issues = checked.issues.map(({ message, path }) => ({ message, path: path.map(String) }))
  return {
    refusal: Response.json({ error: `The input does not match the schema:\n${formatIssues(checked.issues)}`, issues }, { status: 400 }),
  }
}
