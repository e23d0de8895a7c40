import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FetchText } from '../support/random-models.ts'
import { runScenario, scenario } from '../support/random-scenario.ts'

const runs = fc.readConfigureGlobal().numRuns ?? 300

// Node 24 throws an uncaught TypeError when the fetch of a data: URL is aborted: random-chains.node.test.ts fetches from a server instead.
const isNode = typeof addEventListener !== 'function'
const fetchText: FetchText = async (text, signal) =>
  isNode
    ? new Response(text, { headers: { 'content-type': 'text/event-stream' } })
    : fetch(`data:text/event-stream,${encodeURIComponent(text)}`, signal ? { signal } : {})

test(
  'random chains: every run ends once, children first, and every body is closed, however the run is left (P1, P2, P4)',
  async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (s) => {
        expect(await runScenario(s, fetchText)).toEqual([])
      }),
      { numRuns: runs },
    )
  },
  Math.max(60_000, runs * 200),
)
