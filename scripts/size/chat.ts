// The program of the size budget: streams a chat from Anthropic through a chain with one handler, and counts its tokens.
import { ChatPromptTemplate, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const model = new ChatAnthropic({ apiKey, model: 'claude-haiku-4-5', dangerouslyAllowBrowser: true })
const chain = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())

const run = chain.stream({ animal: 'bears' }, { callbacks: [{ onLlmNewToken: (token) => console.log(token) }] })
for await (const text of run) document.body.append(text)
console.log((await run.outcome).usage)
