import {
  type AssistantMessage,
  ChatPromptTemplate,
  type Delta,
  PromptTemplate,
  type Runnable,
  StringOutputParser,
  type Usage,
} from 'chaintap'
import { ChatOpenAI, OpenAI, type OpenAIClient } from 'chaintap/openai'
import OfficialOpenAI, { AzureOpenAI } from 'openai'

// OpenAIClient does not import the SDK: the SDK's clients must stay assignable to it.
export const client: OpenAIClient = new OfficialOpenAI()
export const azure: OpenAIClient = new AzureOpenAI()
export const model: Runnable<string, AssistantMessage, Delta> = new ChatOpenAI({ client: new OfficialOpenAI() })
export const llm: Runnable<string, string, string> = new OpenAI({ client: new AzureOpenAI() })

declare const env: { readonly OPENAI_API_KEY?: string }
// An environment variable may be undefined: the constructor then throws at run time, and says what to write.
new ChatOpenAI({ apiKey: env.OPENAI_API_KEY, baseURL: env.OPENAI_API_KEY, organization: 'org', streamUsage: false })
new OpenAI({ apiKey: async () => 'key', fetch: (input, init) => fetch(input, init), temperature: 0, streaming: true, callbacks: [] })

const bound: ChatOpenAI = new ChatOpenAI({ apiKey: 'key' }).bind({ stop: ['\n'], maxTokens: 10, modelKwargs: { top_k: 3 } })
export const text: Promise<string> = bound.pipe(new StringOutputParser()).invoke([['system', 'Be brief.'], 'Hi'])
const instruct: OpenAI = new OpenAI({ apiKey: 'key' }).bind({ stop: ['\n'] })
export const said: Promise<string> = PromptTemplate.fromTemplate('Hi {name}').pipe(instruct).invoke({ name: 'bears' })
export const also: Promise<string> = ChatPromptTemplate.fromTemplate('Hi {name}').pipe(instruct).invoke({ name: 'bears' })

const { generations, usage } = await bound.generate(['Hi', [['system', 'Be brief.'], 'Hi']], { maxConcurrency: 2 })
export const answer: AssistantMessage | undefined = generations[0]?.[0].message
export const spent: Usage | undefined = usage
const texts = await instruct.generate(['Hi'])
export const one: string | undefined = texts.generations[0]?.[0].text
// @ts-expect-error a text model has no `message` in its generations
void texts.generations[0]?.[0].message

// @ts-expect-error a constructor option is not a call option
bound.bind({ maxRetries: 3 })
// @ts-expect-error a text model has no tools
instruct.bind({ tools: [] })
// @ts-expect-error misspelt option
new ChatOpenAI({ apiKey: 'key', temprature: 0 })
// @ts-expect-error a number is not a chat input
void bound.invoke(5)
// @ts-expect-error a client must have both APIs
new ChatOpenAI({ client: { baseURL: 'https://api.example' } })
