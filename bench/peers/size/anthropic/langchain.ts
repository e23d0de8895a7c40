import { ChatAnthropic } from '@langchain/anthropic'
import { StringOutputParser } from '@langchain/core/output_parsers'
import type { LLMResult } from '@langchain/core/outputs'
import { ChatPromptTemplate } from '@langchain/core/prompts'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const model = new ChatAnthropic({ apiKey, model: 'claude-haiku-4-5' })
const chain = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())

const handler = {
  handleLLMNewToken: (token: string) => console.log(token),
  handleLLMEnd: ({ llmOutput }: LLMResult) => console.log(llmOutput?.usage),
}
for await (const text of await chain.stream({ animal: 'bears' }, { callbacks: [handler] })) document.body.append(text)
