import { ChatAnthropic } from '@langchain/anthropic'
import type { Library } from '../../lib/library.ts'
import { langChain } from '../langchain.ts'

const library: Library = (fetch) =>
  langChain(new ChatAnthropic({ apiKey: 'key', model: 'claude-haiku-4-5', streaming: true, clientOptions: { fetch } }))

export default library
