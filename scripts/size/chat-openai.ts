// The same program for OpenAI, for the comparison with libraries that support only OpenAI.
import { ChatPromptTemplate, StringOutputParser } from 'chaintap'
import { ChatOpenAI } from 'chaintap/openai'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const model = new ChatOpenAI({ apiKey, model: 'gpt-4.1', dangerouslyAllowBrowser: true })
const chain = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())

const run = chain.stream({ animal: 'bears' }, { callbacks: [{ onLlmNewToken: (token) => console.log(token) }] })
for await (const text of run) document.body.append(text)
console.log((await run.outcome).usage)
