import { lazyConsoleHandler } from '../console/lazy.ts'
import type { RunContext, RunKind } from '../core/event.ts'
import type { Flow } from '../core/flow/flow.ts'
import type { ToolCall, ToolMessage } from '../core/message.ts'
import type { RunOptions } from '../core/options.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import type { RunStream } from '../core/run/run-stream.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { type ChunkOf, lambda, type OutputOf } from '../core/runnable/lambda.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { type AnySchema, type JsonSchema, toJsonSchema } from '../schema/json-schema.ts'
import type { StandardSchema } from '../schema/standard.ts'
import type { ToolSpec } from '../schema/tool-spec.ts'
import { textArgumentSchema, toParametersSchema, validateArguments } from './arguments.ts'
import { isToolCallFor, withToolMessageOutput } from './message.ts'

/** Options of {@link tool}. */
export interface ToolOptions extends OwnOptions {
  /** The name that models call, and of its runs in events: letters, digits, `_` and `-`. */
  readonly name: string
  /** What the tool does and when to use it. Sent to the model. */
  readonly description: string
  /**
   * The JSON Schema of the arguments. With a `schema`, it is what the model sees; required if the schema's library cannot convert it.
   * Without one, arguments are validated against it.
   */
  readonly jsonSchema?: JsonSchema | undefined
  /**
   * Whether an agent returns this tool's output as its answer, without another call of the model.
   *
   * @defaultValue false
   */
  readonly returnDirect?: boolean
  /**
   * Prints this tool's own runs to the console.
   *
   * @defaultValue false
   */
  readonly verbose?: boolean
}

/** A tool with any input and output. */
export type AnyTool = Tool<never, unknown, unknown>

/**
 * A function that models can call. Created by {@link tool}.
 *
 * @example
 * const describe = ({ name, description }: Tool<string, string>): string => `${name}: ${description}`
 * describe(calculator)
 */
export class Tool<in In, out Out, out Chunk = Out> extends Runnable<In, Out, Chunk> implements ToolSpec {
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'tool'
  /** The name that models call, and of its runs in events. */
  readonly name: string
  /** What the tool does and when to use it. */
  readonly description: string
  /** Whether an agent returns this tool's output as its answer. */
  readonly returnDirect: boolean
  private readonly body: Runnable<never, Out, Chunk>
  private readonly schema: AnySchema
  private readonly modelSchema: AnySchema
  private cachedJsonSchema: JsonSchema | undefined

  constructor(
    fn: (args: never, context: RunContext) => unknown,
    {
      name,
      description,
      schema,
      jsonSchema,
      returnDirect = false,
      verbose,
      ...own
    }: ToolOptions & { readonly schema?: AnySchema | undefined },
  ) {
    super(own)
    this.name = name
    this.description = description
    this.returnDirect = returnDirect
    this.body = lambda(fn, { name }) as Runnable<never, Out, Chunk>
    this.schema = schema ?? jsonSchema ?? textArgumentSchema
    this.modelSchema = jsonSchema ?? this.schema
    if (verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /**
   * The JSON Schema of the arguments, an object. Converted on first access, because a ReAct agent does not need it.
   *
   * @throws ChaintapError `invalid_options` if the schema's library cannot convert it.
   */
  get jsonSchema(): JsonSchema {
    this.cachedJsonSchema ??= toParametersSchema(toJsonSchema(this.modelSchema))
    return this.cachedJsonSchema
  }

  override invoke(call: ToolCall, options?: RunOptions | RunContext): Promise<ToolMessage>
  override invoke(input: In, options?: RunOptions | RunContext): Promise<Out>
  override invoke(input: never, options?: RunOptions | RunContext): Promise<Out> | Promise<ToolMessage> {
    return super.invoke(input, options)
  }

  override stream(call: ToolCall, options?: RunOptions | RunContext): RunStream<Chunk, ToolMessage>
  override stream(input: In, options?: RunOptions | RunContext): RunStream<Chunk, Out>
  override stream(input: never, options?: RunOptions | RunContext): RunStream<Chunk, never> {
    return super.stream(input, options) as RunStream<Chunk, never>
  }

  override async open(input: In | ToolCall, run: RunHandle): Promise<Flow<Chunk>> {
    const call = isToolCallFor(this.name, input) ? input : undefined
    const args = await validateArguments(this, this.schema, call ? (call.args ?? {}) : input, call?.isInvalid)
    const flow = await this.body.open(args as never, run)
    return call ? withToolMessageOutput(flow, call.id) : flow
  }
}

/**
 * Creates a tool from a function (LangChain's tool()). The tool is a runnable: invoke it with its arguments, or with a model's call
 * `{ id, name, args }`, which returns a tool message.
 *
 * - `schema` is a schema of zod, valibot, arktype or another Standard Schema library, or JSON Schema. Without one the input is a string.
 * - Arguments are validated inside the run, so handlers receive the error. A string for a tool that expects an object is parsed as JSON,
 *   or used as the object's only property, because some models write nothing else. No arguments are `{}`; without a schema, `''`.
 * - Models are offered an object. A schema of another value is offered as `{ input: … }`; the tool accepts either.
 * - The function may be async, a generator (its yields are the tool's chunks), or return a runnable, which is run. `context.signal`
 *   aborts when the run is stopped; `model.invoke(input, context)` starts a child run.
 *
 * @throws ChaintapError `invalid_arguments` in a run: lists each invalid field in a form that a model can read. `cause` holds the issues.
 *
 * @example
 * const weather = tool(
 *   async ({ city }, { signal }) => {
 *     const response = await fetch(`/weather?city=${encodeURIComponent(city)}`, { signal })
 *     return response.text()
 *   },
 *   { name: 'weather', description: 'The current weather in a city.', schema: z.object({ city: z.string() }) },
 * )
 * await weather.invoke({ city: 'Paris' }) // '18 °C'
 * await weather.invoke({ id: 'call_1', name: 'weather', args: { city: 'Paris' } }) // { role: 'tool', content: '18 °C', toolCallId: 'call_1' }
 */
export function tool<In, Args, R>(
  fn: (args: Args, context: RunContext) => R,
  options: ToolOptions & { readonly schema: StandardSchema<In, Args> },
): Tool<In, OutputOf<R>, ChunkOf<R>>
export function tool<Args, R>(
  fn: (args: Args, context: RunContext) => R,
  options: ToolOptions & ({ readonly schema: JsonSchema } | { readonly schema?: undefined; readonly jsonSchema: JsonSchema }),
): Tool<Args, OutputOf<R>, ChunkOf<R>>
export function tool<R>(
  fn: (input: string, context: RunContext) => R,
  options: ToolOptions & { readonly schema?: undefined; readonly jsonSchema?: undefined },
): Tool<string, OutputOf<R>, ChunkOf<R>>
export function tool(
  fn: (args: never, context: RunContext) => unknown,
  options: ToolOptions & { readonly schema?: AnySchema | undefined },
): AnyTool {
  return new Tool(fn, options)
}
