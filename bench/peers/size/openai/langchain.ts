import { StringOutputParser } from '@langchain/core/output_parsers'
import type { LLMResult } from '@langchain/core/outputs'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { ChatOpenAI } from '@langchain/openai'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const model = new ChatOpenAI({ apiKey, model: 'gpt-4.1', configuration: { dangerouslyAllowBrowser: true } })
const chain = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())

const handler = {
  handleLLMNewToken: (token: string) => console.log(token),
  handleLLMEnd: ({ llmOutput }: LLMResult) => console.log(llmOutput?.tokenUsage),
}
for await (const text of await chain.stream({ animal: 'bears' }, { callbacks: [handler] })) document.body.append(text)
