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
import { textArgumentSchema, validateArguments } from './arguments.ts'
import { isToolCallFor, withToolMessageOutput } from './message.ts'

/** How a tool is named, told of and heard. */
export interface ToolOptions extends OwnOptions {
  /** As models call it: letters, digits, `_` and `-`. */
  readonly name: string
  /** For the model: what it does, and when to use it. */
  readonly description: string
  /** Of the arguments, for the model: beside a `schema` that cannot say it itself. Alone, it is what they are checked against. */
  readonly jsonSchema?: JsonSchema | undefined
  /** What the tool gives is an agent's answer: the model is not asked again. */
  readonly returnDirect?: boolean
  /** Prints this tool's own runs to the console. */
  readonly verbose?: boolean
}

/** A tool of any input and output. */
export type AnyTool = Tool<never, unknown, unknown>

/** A function that a model can call. Made by {@link tool}. */
export class Tool<in In, out Out, out Chunk = Out> extends Runnable<In, Out, Chunk> implements ToolSpec {
  readonly kind: RunKind = 'tool'
  readonly name: string
  readonly description: string
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
   * Of the arguments, made when it is asked for: an agent that writes text needs none.
   *
   * @throws ChaintapError `invalid_options` where the schema's library cannot say it.
   */
  get jsonSchema(): JsonSchema {
    this.cachedJsonSchema ??= toJsonSchema(this.modelSchema)
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
    const args = await validateArguments(this, this.schema, call ? call.args : input)
    const flow = await this.body.open(args as never, run)
    return call ? withToolMessageOutput(flow, call.id) : flow
  }
}

/**
 * A function as a tool (LangChain's tool()), run as any runnable: with its arguments, or with a model's call `{ id, name, args }`, which
 * is answered with a tool message.
 *
 * - `schema`: of zod, valibot, arktype or any other library of Standard Schema, or JSON Schema. Without one the tool takes a text.
 * - Arguments are checked within the run, so that handlers hear of wrong ones. A text for a tool that takes an object is read as JSON,
 *   or as the object's only field: some models write nothing else.
 * - The function may be async, a generator (its yields are the tool's chunks), or return a runnable to go on with. `context.signal`
 *   aborts when the run is stopped; `model.invoke(…, context)` is a child.
 *
 * @throws ChaintapError `invalid_arguments` in a run: each field that is wrong and what it should be, fit for a model to read; the
 *   issues are its `cause`.
 *
 * @example
 * const weather = tool(({ city }, { signal }) => lookUp(city, { signal }), {
 *   name: 'weather',
 *   description: 'The weather in a city, now.',
 *   schema: z.object({ city: z.string() }),
 * })
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
