// Inputs, outputs and chunks of parsers, alone and in `pipe`.
import {
  type AssistantMessage,
  ChatPromptTemplate,
  CommaSeparatedListOutputParser,
  type DeepPartial,
  JsonOutputParser,
  lambda,
  MarkdownListOutputParser,
  NumberedListOutputParser,
  PartialJson,
  type RunStream,
} from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import { expectTypeOf } from 'vitest'

interface Joke {
  readonly setup: string
  readonly mood: 'merry' | 'dry'
  readonly stars?: number
  readonly tags: readonly { readonly name: string }[]
  readonly by: { readonly name: string | null }
}

interface PartialJoke {
  readonly setup?: string
  readonly mood?: string
  readonly stars?: number
  readonly tags?: readonly { readonly name?: string }[]
  readonly by?: { readonly name?: string | null }
}

const model = ChatPromptTemplate.fromTemplate('A joke about {animal}').pipe(scriptedModel(['{}']))
const input = { animal: 'bears' }

// JsonOutputParser: the output is complete, the chunks are partial
const json = new JsonOutputParser<Joke>()
const chain = model.pipe(json)
expectTypeOf(chain.invoke(input)).resolves.toEqualTypeOf<Joke>()
expectTypeOf(chain.stream(input)).toExtend<RunStream<PartialJoke, Joke>>()
expectTypeOf<DeepPartial<Joke>>().toExtend<PartialJoke>()
expectTypeOf<PartialJoke>().toExtend<DeepPartial<Joke>>()
expectTypeOf(chain.pipe((joke) => joke.setup).invoke(input)).resolves.toEqualTypeOf<string>()
expectTypeOf(json.invoke('{}')).resolves.toEqualTypeOf<Joke>()
declare const message: AssistantMessage
expectTypeOf(json.invoke(message)).resolves.toEqualTypeOf<Joke>()
// @ts-expect-error a number is not a string
lambda((n: number) => n).pipe(json)
// @ts-expect-error the output is not a string
void chain.invoke(input).then((text: string) => text)
chain.pipe({
  transform(joke, controller: TransformStreamDefaultController<string>) {
    // @ts-expect-error a property of a chunk may be undefined
    controller.enqueue(joke.by.name)
    // @ts-expect-error chunks are read-only: they share their unchanged parts
    joke.setup = 'mine'
  },
})

expectTypeOf(model.pipe(new JsonOutputParser()).invoke(input)).resolves.toBeUnknown()
expectTypeOf<DeepPartial<[number, string][]>>().toEqualTypeOf<readonly (readonly (number | string)[])[]>()
expectTypeOf<DeepPartial<number | 'a' | null>>().toEqualTypeOf<number | string | null>()

// Lists
for (const list of [new CommaSeparatedListOutputParser(), new NumberedListOutputParser(), new MarkdownListOutputParser()]) {
  expectTypeOf(model.pipe(list).stream(input)).toEqualTypeOf<RunStream<string[], string[]>>()
  expectTypeOf(list.getFormatInstructions()).toBeString()
}

expectTypeOf(new PartialJson().result()).toBeUnknown()
