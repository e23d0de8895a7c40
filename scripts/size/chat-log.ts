// The chat program with a log in IndexedDB, to measure what the log adds.
import { ChatPromptTemplate, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { IndexedDBCallbackHandler } from 'chaintap/indexeddb'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const model = new ChatAnthropic({ apiKey, model: 'claude-haiku-4-5', dangerouslyAllowBrowser: true })
const chain = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())
const log = new IndexedDBCallbackHandler({ name: 'output' })

const run = chain.stream({ animal: 'bears' }, { callbacks: [{ onLlmNewToken: (token) => console.log(token) }, log] })
for await (const text of run) document.body.append(text)
console.log((await run.outcome).usage)
