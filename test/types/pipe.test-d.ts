// What `pipe` infers, and what it rejects.
import {
  type AssistantMessage,
  ChatPromptTemplate,
  type Delta,
  lambda,
  type Message,
  PromptTemplate,
  parallel,
  type Runnable,
  type RunStream,
  StringOutputParser,
  sequence,
  transform,
} from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import { expectTypeOf } from 'vitest'

const prompt = ChatPromptTemplate.fromTemplate('A joke about {animal}')
const model = scriptedModel(['Hi'])
const parser = new StringOutputParser()
const joke = prompt.pipe(model).pipe(parser)
const input = { animal: 'bears' }

// prompt → model → parser
expectTypeOf(prompt.invoke(input)).resolves.toEqualTypeOf<Message[]>()
expectTypeOf(prompt.pipe(model).invoke(input)).resolves.toEqualTypeOf<AssistantMessage>()
expectTypeOf(prompt.pipe(model).stream(input)).toEqualTypeOf<RunStream<Delta, AssistantMessage>>()
expectTypeOf(joke.invoke(input)).resolves.toEqualTypeOf<string>()
expectTypeOf(joke.stream(input)).toEqualTypeOf<RunStream<string, string>>()
expectTypeOf(joke.batch([input, 'bears'])).resolves.toEqualTypeOf<string[]>()
expectTypeOf(joke.withConfig({ tags: ['t'] })).toEqualTypeOf(joke)
expectTypeOf(sequence(prompt, model, parser).stream(input)).toEqualTypeOf<RunStream<string, string>>()
expectTypeOf(PromptTemplate.fromTemplate('{a}').pipe(model).invoke('x')).resolves.toEqualTypeOf<AssistantMessage>()

// @ts-expect-error animal is missing
void joke.invoke({})
// @ts-expect-error animal is misspelt
void joke.invoke({ anymal: 'bears' })
// @ts-expect-error animal has the wrong type
void joke.invoke({ animal: { kind: 'bear' } })
// @ts-expect-error the output is a string
void joke.invoke(input).then((text: number) => text)
// @ts-expect-error a text parser does not accept a list of messages
prompt.pipe(parser)
// @ts-expect-error a string cannot fill a prompt with two variables
joke.pipe(ChatPromptTemplate.fromTemplate('{a} {b}'))

// A prompt with one variable accepts the text of the step before it.
expectTypeOf(joke.pipe(PromptTemplate.fromTemplate('Explain {joke}')).invoke(input)).resolves.toEqualTypeOf<string>()

// Functions receive the folded output and give one chunk
const counted = joke.pipe((text) => text.length)
expectTypeOf(counted.invoke(input)).resolves.toEqualTypeOf<number>()
expectTypeOf(counted.stream(input)).toEqualTypeOf<RunStream<number, number>>()
expectTypeOf(joke.pipe(async (text) => ({ text })).invoke(input)).resolves.toEqualTypeOf<{ text: string }>()
expectTypeOf(joke.pipe((text, context) => ({ text, by: context.run.name })).invoke(input)).resolves.toEqualTypeOf<{
  text: string
  by: string
}>()
expectTypeOf(joke.pipe((text) => text.split(' ')).stream(input)).toEqualTypeOf<RunStream<string[], string[]>>()
expectTypeOf(joke.pipe(() => undefined).invoke(input)).resolves.toEqualTypeOf<undefined>()
expectTypeOf(prompt.pipe(model).pipe((message) => message.usage?.outputTokens)).toExtend<Runnable<{ animal: string }, number | undefined>>()

// @ts-expect-error the function takes a number and receives a string
joke.pipe((length: number) => length)
// @ts-expect-error a prompt does not accept a number
counted.pipe(prompt)
// @ts-expect-error a text parser does not accept a number
counted.pipe(parser)

// Functions that return a runnable: its output and its chunks
const routed = joke.pipe((text) => (text.length > 9 ? parser : new StringOutputParser()))
expectTypeOf(routed.stream(input)).toEqualTypeOf<RunStream<string, string>>()
expectTypeOf(joke.pipe(async () => model).stream(input)).toEqualTypeOf<RunStream<Delta, AssistantMessage>>()
expectTypeOf(joke.pipe((text) => (text ? counted : text)).invoke(input)).resolves.toEqualTypeOf<string | number>()

// Generators: the values are the chunks; strings are joined, other values become an array
const words = joke.pipe(function* (text) {
  for (const word of text.split(' ')) yield word
})
expectTypeOf(words.stream(input)).toEqualTypeOf<RunStream<string, string>>()
const lengths = joke.pipe(async function* (text, { signal }) {
  for (const word of text.split(' ')) if (!signal.aborted) yield word.length
})
expectTypeOf(lengths.stream(input)).toEqualTypeOf<RunStream<number, number[]>>()
const mixed = joke.pipe(function* (text): Generator<string | number> {
  yield text
  yield 1
})
expectTypeOf(mixed.stream(input)).toEqualTypeOf<RunStream<string | number, (string | number)[]>>()
expectTypeOf(
  joke.pipe((text) => new ReadableStream<string>({ start: (c) => c.enqueue(text) })).invoke(input),
).resolves.toEqualTypeOf<string>()

expectTypeOf(joke.pipe((text) => new Map([[text, 1]]).keys()).stream(input)).toEqualTypeOf<RunStream<string, string>>()
expectTypeOf(joke.pipe((text) => new Map([[text, 1]])).invoke(input)).resolves.toEqualTypeOf<Map<string, number>>()

// unknown stays unknown
expectTypeOf(joke.pipe((text) => JSON.parse(text)).invoke(input)).resolves.toBeAny()
expectTypeOf(joke.pipe((text): unknown => text).invoke(input)).resolves.toBeUnknown()

// Transformers receive chunks
const loud = joke.pipe({
  transform(text, controller: TransformStreamDefaultController<string>) {
    controller.enqueue(text.toUpperCase())
  },
})
expectTypeOf(loud.stream(input)).toEqualTypeOf<RunStream<string, string>>()
const typed: Transformer<Delta, number> = { transform: (delta, controller) => controller.enqueue(delta.type.length) }
expectTypeOf(prompt.pipe(model).pipe(typed).stream(input)).toEqualTypeOf<RunStream<number, number[]>>()
expectTypeOf(joke.pipe(new TransformStream<string, number>()).stream(input)).toEqualTypeOf<RunStream<number, number[]>>()
expectTypeOf(joke.pipe(new TextEncoderStream()).stream(input)).toEqualTypeOf<
  RunStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>[]>
>()
expectTypeOf(joke.pipe(transform(() => new TransformStream<string, string>())).stream(input)).toEqualTypeOf<RunStream<string, string>>()

// @ts-expect-error the chunks are Deltas, not strings
prompt.pipe(model).pipe(new TransformStream<string, string>())
const ofNumbers: Transformer<number, string> = {}
// @ts-expect-error the chunks are strings, not numbers
joke.pipe(ofNumbers)

// Nested chains
const inner = lambda((text: string) => text.length).pipe((length) => length > 3)
expectTypeOf(joke.pipe(inner).invoke(input)).resolves.toEqualTypeOf<boolean>()
expectTypeOf(
  lambda((animal: string) => ({ animal }))
    .pipe(joke)
    .pipe(inner),
).toExtend<Runnable<string, boolean>>()
// @ts-expect-error a chain of strings after one of numbers
counted.pipe(inner)
// @ts-expect-error the output of the chain is a boolean
const wrong: Runnable<string, string> = inner
void wrong

// parallel: the input is what every step accepts, and a step's own union stays whole
const both = parallel({ joke, length: ({ animal }: { animal: string }) => animal.length })
expectTypeOf(both.invoke(input)).resolves.toEqualTypeOf<{ readonly joke: string; readonly length: number }>()
expectTypeOf(parallel({ a: joke, b: joke }).invoke('bears')).resolves.toEqualTypeOf<{
  readonly a: string
  readonly b: string
}>()
// @ts-expect-error a step needs the animal
void both.invoke({})
