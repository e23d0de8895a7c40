import expectations from '../fixtures/wire/expected.json'

/** What a decoder must return for a fixture; test/fixtures/wire/README.md describes the fields. */
export interface Expected {
  readonly provider: string
  readonly api: string
  readonly contentType: string
  readonly text: string
  readonly reasoning?: string
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: unknown }[]
  readonly stopReason: string | null
  readonly complete: boolean
  readonly error?: { readonly type?: string; readonly code?: string | number; readonly message?: string }
  readonly usage: Readonly<Record<string, unknown>> | null
}

export interface Fixture {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly expected: Expected
}

const files = import.meta.glob<Uint8Array<ArrayBuffer>>('../fixtures/wire/*.{sse,ndjson,eventstream}', {
  eager: true,
  import: 'default',
})
const expected: Readonly<Record<string, Expected | undefined>> = expectations

export const fixtures: readonly Fixture[] = Object.entries(files).map(([path, bytes]) => load(path.slice(path.lastIndexOf('/') + 1), bytes))

/** Returns a fixture by its file name, such as `anthropic-text.sse`. */
export function fixture(name: string): Fixture {
  const found = fixtures.find((candidate) => candidate.name === name)
  if (found === undefined)
    throw new Error(`No fixture ${name} in test/fixtures/wire. Known are ${fixtures.map((known) => known.name).join(', ')}`)
  return found
}

function load(name: string, bytes: Uint8Array<ArrayBuffer>): Fixture {
  const entry = expected[name]
  if (entry === undefined) throw new Error(`test/fixtures/wire/expected.json has no entry for ${name}`)
  return { name, bytes, expected: entry }
}
