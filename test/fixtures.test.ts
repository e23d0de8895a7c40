import { describe, expect, it } from 'vitest'
import { fixtures } from './support/fixtures.ts'

const sums: readonly (readonly [name: string, length: number, sha256: string])[] = [
  ['anthropic-error-midstream.sse', 826, 'b891d40a66b5707c5a7ff6c294decf1fe6581bbaa3af5219fc442fc9ba541934'],
  ['anthropic-text.sse', 1136, '6b8ae566b69e66184b5b9c7cdac365c7dbb375fcdd8065bd529cb01d7cd7bc57'],
  ['anthropic-thinking-tool.sse', 2479, 'a2ca4a59f2ad8cd52f730ff75bc9a3d58d692a089af41067e3f410c5ee26f775'],
  ['anthropic-truncated.sse', 823, '21c5c577abb8f99b3316fd73508ccb41aa4807ab07d3ccf158ca43e437ee75e1'],
  ['sse-edge-cr-only.sse', 578, '3ef8ab19ca3b40e8dec97e14551b1c1b347e161b0410712eec170a8866e86078'],
  ['sse-edge-crlf-bom-multiline.sse', 683, 'fa10b74b98c6452cb725c07617b3bda90cc8d3520e67bdbeee10b8142c8b2168'],
]

describe('wire fixtures', () => {
  it('are all here', () => {
    expect(fixtures.map(({ name }) => name)).toEqual(sums.map(([name]) => name))
  })

  it.each(sums)('%s reaches this engine byte for byte', async (name, length, sha256) => {
    const bytes = fixtures.find((each) => each.name === name)?.bytes ?? new Uint8Array()
    expect(bytes.length).toBe(length)
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    expect(Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(sha256)
  })
})
