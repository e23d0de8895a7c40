import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { faultyFetch, recorder } from 'chaintap/testing'
import { expect, test } from 'vitest'

const models = { ChatAnthropic, ChatOpenAI }
const turns = Array.from({ length: 13 }, (_, turn) => turn)

// An unhandled rejection fails the run of vitest, in every engine.
test.each(turns.flatMap((turn) => Object.entries(models).map(([name, Model]) => [turn, name, Model] as const)))(
  'a run that is stopped %i microtasks after the response closes its body and leaves no unhandled rejection: %s (P1, P2)',
  async (turn, _, Model) => {
    const events = recorder()
    const abort = new AbortController()
    const source = faultyFetch([{ body: ': hello\n\n', headers: { 'content-type': 'text/event-stream' }, stallAfter: 9 }])
    const fetch: typeof globalThis.fetch = async (...args) => {
      const response = await source(...args)
      let after = Promise.resolve()
      for (let count = 0; count < turn; count++) after = after.then(() => {})
      void after.then(() => abort.abort(new Error('enough')))
      return response
    }
    const model = new Model({ apiKey: 'a-key', maxRetries: 0, fetch, dangerouslyAllowBrowser: true })
    const run = model.stream('Hi', { signal: abort.signal, callbacks: [events] })
    await expect(run.drain()).rejects.toThrow('enough')
    expect((await run.outcome).status).toBe('aborted')
    await run.flushed
    expect(events.open).toEqual([])
    expect(source.open).toBe(0)
  },
)
