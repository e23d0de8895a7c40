import { createOpenAI } from '@ai-sdk/openai'
import type { Library } from '../../lib/library.ts'
import { aiSdk } from '../ai-sdk.ts'

const library: Library = (fetch) => aiSdk(createOpenAI({ apiKey: 'key', fetch }).chat('gpt-4.1'))

export default library
