import { createAnthropic } from '@ai-sdk/anthropic'
import type { Library } from '../../lib/library.ts'
import { aiSdk } from '../ai-sdk.ts'

const library: Library = (fetch) => aiSdk(createAnthropic({ apiKey: 'key', fetch })('claude-haiku-4-5'))

export default library
