import { awaitAllCallbacks } from '@langchain/core/callbacks/promises'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { StringOutputParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { type Client, question } from '../lib/library.ts'

const input = { animal: 'bears' }

export function langChain(model: BaseChatModel): Client {
  const chain = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())
  return {
    hasHandlers: true,
    async stream({ signal, handlers = [] }) {
      const callbacks = handlers.map((handler) => ({ handleLLMNewToken: (token: string) => handler(token) }))
      const chunks = await chain.stream(input, { ...(signal && { signal }), ...(handlers.length > 0 && { callbacks }) })
      return {
        chunks,
        textOf: (text: string) => text,
        toStream: () => chunks,
        // Callbacks run in the background unless one requests to be awaited.
        ...(handlers.length > 0 && { handlersDone: awaitAllCallbacks }),
      }
    },
    invoke: async () => (await model.invoke(question)).text,
  }
}
