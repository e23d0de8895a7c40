import { ChatOpenAI } from 'chaintap/openai'
import type { Library } from './library.ts'
import { chaintap } from './ours.ts'

const library: Library = (fetch) =>
  chaintap(new ChatOpenAI({ apiKey: 'key', model: 'gpt-4.1', fetch, streaming: true, dangerouslyAllowBrowser: true }))

export default library
