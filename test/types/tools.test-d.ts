// The schema determines the arguments of the function; the function determines the output of the tool.
import { lambda, type Runnable, type RunStream, type ToolCall, type ToolMessage } from 'chaintap'
import {
  type AnyTool,
  calculator,
  callTools,
  type JsonSchema,
  llmMath,
  loadTools,
  type StandardSchema,
  type Tool,
  type ToolSpec,
  tool,
} from 'chaintap/tools'
import { expectTypeOf } from 'vitest'
import * as z from 'zod'

const about = { name: 'weather', description: 'The weather in a city.' }
const call: ToolCall = { id: '1', name: 'weather', args: {} }

// Standard Schema: its input is the tool's input, its output is the function's argument.
const weather = tool(
  ({ city, days }, { signal }) => {
    expectTypeOf(city).toEqualTypeOf<string>()
    expectTypeOf(days).toEqualTypeOf<number>()
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
    return { city, degrees: 18 }
  },
  { ...about, schema: z.object({ city: z.string(), days: z.number().default(1) }) },
)
expectTypeOf(weather).toEqualTypeOf<
  Tool<{ city: string; days?: number | undefined }, { city: string; degrees: number }, { city: string; degrees: number }>
>()
expectTypeOf(weather.invoke({ city: 'Paris' })).resolves.toEqualTypeOf<{ city: string; degrees: number }>()
expectTypeOf(weather.invoke(call)).resolves.toEqualTypeOf<ToolMessage>()
expectTypeOf(weather.stream(call)).toEqualTypeOf<RunStream<{ city: string; degrees: number }, ToolMessage>>()
// @ts-expect-error city is missing
void weather.invoke({})
// @ts-expect-error days is a number
void weather.invoke({ city: 'Paris', days: '1' })
// @ts-expect-error a string is not the arguments object
void weather.stream('Paris')
// @ts-expect-error the schema has no country
tool(({ country }) => country, { ...about, schema: z.object({ city: z.string() }) })
// @ts-expect-error city is a string
tool((args: { city: number }) => args, { ...about, schema: z.object({ city: z.string() }) })

declare const any: StandardSchema<'in', 'out'>
expectTypeOf(tool((given) => given, { ...about, schema: any })).toEqualTypeOf<Tool<'in', 'out'>>()

// Without a schema the input is a string
const shout = tool((text) => text.toUpperCase(), about)
expectTypeOf(shout).toEqualTypeOf<Tool<string, string>>()
// @ts-expect-error a number is not a string
void shout.invoke(7)
// @ts-expect-error description is missing
tool((text) => text, { name: 'x' })

// JSON Schema carries no types: those of the function apply
const jsonSchema = { type: 'object', properties: { n: { type: 'number' } } } as const satisfies JsonSchema
const unsure = tool((args) => expectTypeOf(args).toBeUnknown(), { ...about, schema: jsonSchema })
void unsure.invoke({ whatever: 1 })
const square = tool(({ n }: { n: number }) => n * n, { ...about, schema: jsonSchema })
expectTypeOf(square).toEqualTypeOf<Tool<{ n: number }, number>>()
expectTypeOf(tool(({ n }: { n: number }) => n * n, { ...about, jsonSchema })).toEqualTypeOf<Tool<{ n: number }, number>>()
// @ts-expect-error n is a number
void square.invoke({ n: '3' })

// Async functions, generators, and functions that return a runnable
expectTypeOf(tool(async (text) => text.length, about)).toEqualTypeOf<Tool<string, number>>()
expectTypeOf(
  tool(async function* (text) {
    yield text
  }, about),
).toEqualTypeOf<Tool<string, string>>()
expectTypeOf(
  tool(function* (text) {
    yield text.length
  }, about),
).toEqualTypeOf<Tool<string, number[], number>>()
declare const inner: Runnable<string, 'whole', 'piece'>
expectTypeOf(tool(() => inner, about)).toEqualTypeOf<Tool<string, 'whole', 'piece'>>()

// Every tool is assignable to AnyTool, Runnable and ToolSpec
const tools: readonly AnyTool[] = [weather, shout, square, calculator, ...loadTools(['calculator'])]
const specs: readonly ToolSpec[] = tools
expectTypeOf(weather.withConfig({ tags: ['a'] })).toEqualTypeOf(weather)
expectTypeOf(weather.pipe(({ degrees }) => degrees)).toEqualTypeOf<Runnable<{ city: string; days?: number | undefined }, number, number>>()
expectTypeOf(lambda((calls: readonly ToolCall[], context) => callTools(calls, tools, context)).invoke([])).resolves.toEqualTypeOf<
  readonly ToolMessage[]
>()
void specs

// @ts-expect-error unknown tool name
loadTools(['serpapi'])
// @ts-expect-error a tool is not a model
llmMath(weather)
