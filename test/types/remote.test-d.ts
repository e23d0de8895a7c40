// Types of RemoteRunnable and Remote.
import {
  type AssistantMessage,
  ChatPromptTemplate,
  type Delta,
  JsonOutputParser,
  lambda,
  type RunEvent,
  type RunStream,
  StringOutputParser,
  type ToolMessage,
} from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type Remote, RemoteRunnable } from 'chaintap/remote'
import { scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { expectTypeOf } from 'vitest'

const prompt = ChatPromptTemplate.fromTemplate('A joke about {animal}')
const chain = prompt.pipe(scriptedModel(['Hi'])).pipe(new StringOutputParser())
const input = { animal: 'bears' }

// Remote<typeof chain> has the chain's input, output and chunks.
const joke: Remote<typeof chain> = new RemoteRunnable('/api/joke')
expectTypeOf(joke.invoke(input)).resolves.toEqualTypeOf<string>()
expectTypeOf(joke.stream(input)).toEqualTypeOf<RunStream<string, string>>()
expectTypeOf(joke.events(input)).toEqualTypeOf<RunStream<RunEvent, string>>()
expectTypeOf(joke.batch([input])).resolves.toEqualTypeOf<string[]>()
expectTypeOf(joke.resume('id', { after: 3, tags: ['t'] })).toEqualTypeOf<RunStream<string, string>>()
expectTypeOf(joke.attach('id').events()).toEqualTypeOf<RunStream<RunEvent, string>>()
expectTypeOf(joke.withConfig({ tags: ['t'] })).toEqualTypeOf(joke)
expectTypeOf(joke.pipe((text) => text.length).invoke(input)).resolves.toEqualTypeOf<number>()
expectTypeOf(
  lambda((animal: string) => ({ animal }))
    .pipe(joke)
    .invoke('bears'),
).resolves.toEqualTypeOf<string>()

// @ts-expect-error animal is missing
void joke.invoke({})
// @ts-expect-error an attached run takes no input
void joke.attach('id').invoke(input)

// Remote<typeof function> has those of the returned chain.
const make = (env: { KEY: string }) => prompt.pipe(new ChatAnthropic({ apiKey: env.KEY }))
const chat: Remote<typeof make> = new RemoteRunnable('/api/chat')
expectTypeOf(chat.stream(input)).toEqualTypeOf<RunStream<Delta, AssistantMessage>>()
const makeLater = async (env: { KEY: string }) => make(env)
expectTypeOf<Remote<typeof makeLater>>().toEqualTypeOf<Remote<typeof make>>()

// Chunks of another type than the output.
interface Recipe {
  readonly title: string
}
const recipes = prompt.pipe(scriptedModel(['{}'])).pipe(new JsonOutputParser<Recipe>())
const recipe: Remote<typeof recipes> = new RemoteRunnable('/api/recipe')
expectTypeOf(recipe.invoke(input)).resolves.toEqualTypeOf<Recipe>()
expectTypeOf(recipe.stream(input)).toEqualTypeOf(recipes.stream(input))

// Explicit type arguments.
const typed = new RemoteRunnable<{ animal: string }, string>('/api/joke', { headers: async () => ({ authorization: 'Bearer t' }) })
expectTypeOf(typed.stream(input)).toEqualTypeOf<RunStream<string, string>>()
// @ts-expect-error a remote with another output
const other: Remote<typeof recipes> = typed
void other

// fetch of a service binding, and the global one.
declare const binding: { fetch(request: Request): Promise<Response> }
void new RemoteRunnable('/api', { fetch: (request) => binding.fetch(request) })
void new RemoteRunnable('/api', { fetch })

// The remote of a tool accepts tool calls and resolves to a tool message.
const weather = tool((city: string) => ({ city, degrees: 18 }), { name: 'weather', description: 'The weather in a city.' })
const remoteWeather: Remote<typeof weather> = new RemoteRunnable('/api/weather')
const call = { id: 'call_1', name: 'weather', args: 'Paris' }
expectTypeOf(remoteWeather.invoke(call)).resolves.toEqualTypeOf<ToolMessage>()
expectTypeOf(remoteWeather.invoke('Paris')).resolves.toEqualTypeOf<{ city: string; degrees: number }>()
expectTypeOf(remoteWeather.stream(call).outcome).resolves.toHaveProperty('status')
expectTypeOf(remoteWeather.stream(call)).toEqualTypeOf<RunStream<{ city: string; degrees: number }, ToolMessage>>()
const makeWeather = (env: { KEY: string }) => (env.KEY ? weather : weather)
expectTypeOf<Remote<typeof makeWeather>>().toEqualTypeOf<Remote<typeof weather>>()
// @ts-expect-error the remote of a chain does not accept a tool call
void joke.invoke(call)
