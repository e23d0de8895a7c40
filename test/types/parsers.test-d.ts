// What parsers take and give, and how it goes on through `pipe`.
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

// JsonOutputParser: the output is whole, the chunks are partial
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
// @ts-expect-error numbers are no text
lambda((n: number) => n).pipe(json)
// @ts-expect-error the output is no string
void chain.invoke(input).then((text: string) => text)
chain.pipe({
  transform(joke, controller: TransformStreamDefaultController<string>) {
    // @ts-expect-error a part may not be there yet
    controller.enqueue(joke.by.name)
    // @ts-expect-error chunks share what they have in common
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
