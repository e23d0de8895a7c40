// What a function is given follows from the schema; what it gives is the tool's output.
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

// Standard Schema: what it takes is the tool's input, what it gives is the function's.
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
// @ts-expect-error a text is no such object
void weather.stream('Paris')
// @ts-expect-error the schema has no country
tool(({ country }) => country, { ...about, schema: z.object({ city: z.string() }) })
// @ts-expect-error the schema gives a text
tool((args: { city: number }) => args, { ...about, schema: z.object({ city: z.string() }) })

declare const any: StandardSchema<'in', 'out'>
expectTypeOf(tool((given) => given, { ...about, schema: any })).toEqualTypeOf<Tool<'in', 'out'>>()

// A text where there is no schema
const shout = tool((text) => text.toUpperCase(), about)
expectTypeOf(shout).toEqualTypeOf<Tool<string, string>>()
// @ts-expect-error a number is no text
void shout.invoke(7)
// @ts-expect-error description is missing
tool((text) => text, { name: 'x' })

// JSON Schema says nothing of types: the function does
const jsonSchema = { type: 'object', properties: { n: { type: 'number' } } } as const satisfies JsonSchema
const unsure = tool((args) => expectTypeOf(args).toBeUnknown(), { ...about, schema: jsonSchema })
void unsure.invoke({ whatever: 1 })
const square = tool(({ n }: { n: number }) => n * n, { ...about, schema: jsonSchema })
expectTypeOf(square).toEqualTypeOf<Tool<{ n: number }, number>>()
expectTypeOf(tool(({ n }: { n: number }) => n * n, { ...about, jsonSchema })).toEqualTypeOf<Tool<{ n: number }, number>>()
// @ts-expect-error n is a number
void square.invoke({ n: '3' })

// Async, streaming, and going on with a runnable
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

// Every tool is a tool, a runnable, and what a model is told
const tools: readonly AnyTool[] = [weather, shout, square, calculator, ...loadTools(['calculator'])]
const specs: readonly ToolSpec[] = tools
expectTypeOf(weather.withConfig({ tags: ['a'] })).toEqualTypeOf(weather)
expectTypeOf(weather.pipe(({ degrees }) => degrees)).toEqualTypeOf<Runnable<{ city: string; days?: number | undefined }, number, number>>()
expectTypeOf(lambda((calls: readonly ToolCall[], context) => callTools(calls, tools, context)).invoke([])).resolves.toEqualTypeOf<
  readonly ToolMessage[]
>()
void specs

// @ts-expect-error there is no such tool
loadTools(['serpapi'])
// @ts-expect-error a tool of objects is no model
llmMath(weather)
