import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicJson, anthropicSse } from 'chaintap/testing'
import { wireContract } from '../contracts/wire.ts'

wireContract('ChatAnthropic', {
  make: (options) => new ChatAnthropic({ dangerouslyAllowBrowser: true, ...options }),
  fixtures: ['anthropic-text.sse', 'anthropic-thinking-tool.sse', 'anthropic-error-midstream.sse', 'anthropic-truncated.sse'],
  sse: anthropicSse,
  json: anthropicJson,
  refusal: (type, message) => {
    const body = JSON.stringify(anthropicJson({ error: { type, message } }))
    return { body, event: `event: error\ndata: ${body}\n\n` }
  },
  endless: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"',
})
