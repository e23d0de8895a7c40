import { describe, expect, it } from 'vitest'
import { fixtures } from './support/fixtures.ts'

const sums: readonly (readonly [name: string, length: number, sha256: string])[] = [
  ['anthropic-error-midstream.sse', 826, 'b891d40a66b5707c5a7ff6c294decf1fe6581bbaa3af5219fc442fc9ba541934'],
  ['anthropic-text.sse', 1136, '6b8ae566b69e66184b5b9c7cdac365c7dbb375fcdd8065bd529cb01d7cd7bc57'],
  ['anthropic-thinking-tool.sse', 2479, 'a2ca4a59f2ad8cd52f730ff75bc9a3d58d692a089af41067e3f410c5ee26f775'],
  ['anthropic-truncated.sse', 823, '21c5c577abb8f99b3316fd73508ccb41aa4807ab07d3ccf158ca43e437ee75e1'],
  ['bedrock-converse.eventstream', 1885, '0543e61afc956bac590caf03067cadfe852d30fa310314ccc38060449eea2924'],
  ['deepseek-reasoner-cache.sse', 1326, 'e5d4d44e9b1ee4c1fc170e2ebef4e90338ca654b3c8812e3677264bb382a190c'],
  ['gemini-thinking-tool.sse', 1156, '947b05b6e129ea62f098c6141c47b78ac44e11af3d6c12bef9b47f4d66db99c6'],
  ['groq-chat-xgroq.sse', 1710, '1d1e6c140c075fdd442e049d26a4c4cbaaa3f864716efff6a130b098dc3e7ca0'],
  ['mistral-chat.sse', 903, '6f3930122c7894204a95f01a7769684a1de0746568f6c849d70183e1cecc7c0c'],
  ['ollama-chat-thinking.ndjson', 745, '3cb70ac197ca18867fbfe46b1d4c7aa599083cfe249d0cf8520b223a9cd32a50'],
  ['ollama-error-midstream.ndjson', 204, 'adc3a7b7fd40871a251ef1626467cfd89a1fe9c70b3ae2c5d32efafc99a0db7d'],
  ['openai-chat-error-midstream.sse', 687, '475aa05f7181b93b3b49ac002fe65fa9aa28f90fee26ee131caaaf60d74521b4'],
  ['openai-chat-tools-nousage.sse', 1898, '29ee948078ecef102ea61b7851caa061c4d767fbaca49dcdf3b8407223dd8a85'],
  ['openai-chat-usage.sse', 1666, 'b780f53efa9968481859d0aaf7f42132cdd14ffb52021bd63f85e1e16af26d94'],
  ['openai-completions-legacy.sse', 832, '049d6bb6ba2d0ff79c9f65114bbecfe14a90be2a5718ee3b7869f47bc0a22e67'],
  ['openai-responses-reasoning-tool.sse', 5435, 'd69ea7e79060ac4da2750ac1706bc3e86e340cb4b3c821ebfa4110f0c21b6fce'],
  ['openrouter-chat-cost.sse', 1734, '7789d429442295cbb629de230b21b79110510a8dcd5a9db70bc79413e7aa4615'],
  ['sse-edge-cr-only.sse', 578, '3ef8ab19ca3b40e8dec97e14551b1c1b347e161b0410712eec170a8866e86078'],
  ['sse-edge-crlf-bom-multiline.sse', 683, 'fa10b74b98c6452cb725c07617b3bda90cc8d3520e67bdbeee10b8142c8b2168'],
  ['workersai-native.sse', 238, 'bec3e304c4504e59ede3b44f630e15322779d26d857c7939d92d6a487c9461aa'],
]

describe('wire fixtures', () => {
  it('the glob finds every fixture', () => {
    expect(fixtures.map(({ name }) => name)).toEqual(sums.map(([name]) => name))
  })

  it.each(sums)('%s has the same bytes in this engine', async (name, length, sha256) => {
    const bytes = fixtures.find((fixture) => fixture.name === name)?.bytes ?? new Uint8Array()
    expect(bytes.length).toBe(length)
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    expect(Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(sha256)
  })
})
