// What `pipe` infers, and what it rejects.
import {
  type AssistantMessage,
  branch,
  type ChatInput,
  ChatPromptTemplate,
  type Delta,
  fallback,
  lambda,
  type Message,
  PromptTemplate,
  parallel,
  passthrough,
  type Runnable,
  type RunStream,
  retry,
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

// Maps of steps
const text = lambda((question: string) => question)
const mapped = text.pipe({
  question: passthrough(),
  length: (question) => question.length,
  messages: prompt,
  words: async function* (question) {
    yield* question.split(' ')
  },
  deep: { twice: (question) => [question, question] as const, same: passthrough() },
})
expectTypeOf(mapped.invoke('x')).resolves.toEqualTypeOf<{
  readonly question: string
  readonly length: number
  readonly messages: Message[]
  readonly words: string
  readonly deep: { readonly twice: readonly [string, string]; readonly same: string }
}>()
expectTypeOf(text.pipe({ same: passthrough(), parsed: parser }).stream('x')).toEqualTypeOf<
  RunStream<{ readonly same: string } | { readonly parsed: string }, { readonly same: string; readonly parsed: string }>
>()
expectTypeOf(model.pipe({ raw: passthrough(), text: parser, loud: typed }).stream('x')).toEqualTypeOf<
  RunStream<
    { readonly raw: Delta } | { readonly text: string } | { readonly loud: number },
    { readonly raw: AssistantMessage; readonly text: string; readonly loud: number[] }
  >
>()
expectTypeOf(
  text
    .pipe({ q: passthrough(), n: () => 5 })
    .pipe(PromptTemplate.fromTemplate('{q} {n}'))
    .invoke('x'),
).resolves.toEqualTypeOf<string>()
// @ts-expect-error the step takes a number and receives a string
text.pipe({ a: (length: number) => length })
// @ts-expect-error the step of the inner map takes a number and receives a string
text.pipe({ a: { b: (length: number) => length } })
// @ts-expect-error a text parser does not accept a number
counted.pipe({ text: parser })
// @ts-expect-error a number is not a step
text.pipe({ a: 5 })
// @ts-expect-error an array is not a step
text.pipe([parser])
// @ts-expect-error undefined is not a step
text.pipe(undefined)
// @ts-expect-error the prompt needs b, too
text.pipe({ a: passthrough() }).pipe(ChatPromptTemplate.fromTemplate('{a} {b}'))

// sequence: any form of step, maps first
const documents = lambda(async (question: string) => [{ pageContent: question }])
const rag = sequence(
  { context: documents.pipe((found) => found.map(({ pageContent }) => pageContent).join()), question: passthrough() },
  ChatPromptTemplate.fromTemplate('{context} {question}'),
  model,
  parser,
)
expectTypeOf(rag.invoke('x')).resolves.toEqualTypeOf<string>()
expectTypeOf(rag.stream('x')).toEqualTypeOf<RunStream<string, string>>()
// @ts-expect-error the retriever takes a string
void rag.invoke(5)
const five = sequence(
  (x: string) => x.length,
  { a: passthrough(), b: (length) => String(length) },
  ({ a, b }) => `${a} ${b}`,
  new TransformStream<string, number>(),
  (numbers) => numbers.at(0),
)
expectTypeOf(five.invoke('x')).resolves.toEqualTypeOf<number | undefined>()
// @ts-expect-error the prompt needs the question, too
sequence({ context: documents.pipe(() => 'x') }, ChatPromptTemplate.fromTemplate('{context} {question}'))
// @ts-expect-error a text parser does not accept a list of messages
sequence(prompt, parser)
// @ts-expect-error a list of steps is not a step
sequence([prompt, model])

// branch, retry, fallback: any form of step
const branched = branch([(x: string) => x === '', { n: (x) => x.length, same: passthrough() }], (x) => [x])
expectTypeOf(branched.invoke('x')).resolves.toEqualTypeOf<{ n: number; same: string } | string[]>()
expectTypeOf(retry((x: string) => x.length).invoke('x')).resolves.toEqualTypeOf<number>()
expectTypeOf(retry({ n: (x: string) => x.length, same: passthrough() }).invoke('x')).resolves.toEqualTypeOf<{
  readonly n: number
  readonly same: string
}>()
expectTypeOf(retry(model)).toEqualTypeOf<Runnable<ChatInput, AssistantMessage, Delta>>()
expectTypeOf(
  fallback(
    (x: string) => x.length,
    (x) => x,
    { x: passthrough() },
  ).invoke('x'),
).resolves.toEqualTypeOf<number | string | { readonly x: string }>()
fallback(
  (x: string) => x,
  // @ts-expect-error the second step takes a number and would receive a string
  (x: number) => x,
)
// @ts-expect-error a number is not a step
retry(5)

// parallel: the input is what every step accepts, and a step's own union stays whole
const both = parallel({ joke, length: ({ animal }: { animal: string }) => animal.length })
expectTypeOf(both.invoke(input)).resolves.toEqualTypeOf<{ readonly joke: string; readonly length: number }>()
expectTypeOf(parallel({ a: joke, b: joke }).invoke('bears')).resolves.toEqualTypeOf<{
  readonly a: string
  readonly b: string
}>()
// @ts-expect-error a step needs the animal
void both.invoke({})
expectTypeOf(parallel({ question: passthrough(), length: (question: string) => question.length }).invoke('x')).resolves.toEqualTypeOf<{
  readonly question: string
  readonly length: number
}>()
expectTypeOf(parallel({ inner: { n: (x: number) => x, m: (x: number) => `${x}` } }).invoke(1)).resolves.toEqualTypeOf<{
  readonly inner: { readonly n: number; readonly m: string }
}>()
declare const dynamic: Readonly<Record<string, Runnable<string, number>>>
expectTypeOf(parallel(dynamic).invoke('x')).resolves.toEqualTypeOf<Readonly<Record<string, number>>>()
// @ts-expect-error a number is not a step
parallel({ a: 5 })
// @ts-expect-error a number is not a step
parallel({ a: { b: 5 } })
