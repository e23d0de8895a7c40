import { concat } from '@langchain/core/utils/stream'
import { ChatOpenAI } from '@langchain/openai'
import { type Library, question } from '../../lib/library.ts'
import { langChain } from '../langchain.ts'

const library: Library = (fetch) => {
  const model = new ChatOpenAI({ apiKey: 'key', model: 'gpt-4.1', streaming: true, configuration: { fetch } })
  return {
    ...langChain(model),
    // `invoke` of a model with `streaming` loads a tokenizer from the network to estimate the usage, which the answer reports.
    async invoke() {
      const [first, ...rest] = await Array.fromAsync(await model.stream(question))
      return first ? rest.reduce(concat, first).text : ''
    },
  }
}

export default library
