import { awaitAllCallbacks } from '@langchain/core/callbacks/promises'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { StringOutputParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { type Client, question } from '../lib/library.ts'

const input = { animal: 'bears' }

export function langChain(model: BaseChatModel): Client {
  const chain = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())
  return {
    hears: true,
    async stream({ signal, hear = [] }) {
      const callbacks = hear.map((handler) => ({ handleLLMNewToken: (token: string) => handler(token) }))
      const chunks = await chain.stream(input, { ...(signal && { signal }), ...(hear.length > 0 && { callbacks }) })
      return {
        chunks,
        textOf: (text: string) => text,
        toStream: () => chunks,
        // Callbacks run in the background unless one asks to be waited for.
        ...(hear.length > 0 && { heard: awaitAllCallbacks }),
      }
    },
    invoke: async () => (await model.invoke(question)).text,
  }
}
