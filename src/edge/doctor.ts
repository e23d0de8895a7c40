import type { Context } from './response/to-response.ts'
import { workerFlags } from './worker-flags.ts'

/** Something that keeps answers from streaming or ending as they should, and how to mend it. */
export interface Finding {
  readonly code: 'no_request_signal' | 'no_backpressure' | 'no_wait_until' | 'nodejs_compat' | 'compressed' | 'held_back' | 'may_be_cached'
  readonly problem: string
  readonly fix: string
  /** Nothing breaks by it. */
  readonly isNote?: boolean
}

/** What a {@link doctor} looks at. */
export interface DoctorInput {
  /** The third argument of a Worker's `fetch`. */
  readonly ctx?: Context | undefined
  /** The text of wrangler.toml or wrangler.jsonc, for a script. Inside a Worker its own settings are read. */
  readonly config?: string
  /** A streamed answer, as it came: from the Worker itself, or from its address. */
  readonly response?: Response
}

/**
 * Finds what is missing for streams in a Worker: flags and date of compatibility, `waitUntil`, headers that hold a stream back. Reads
 * only what it is given, and inside a Worker its settings. Outside of Workers, without a configuration, there is nothing to find in them.
 *
 * `serve` asks it once, at the first request from localhost, and warns in the console.
 *
 * @example
 * for (const { problem, fix } of doctor({ ctx })) console.warn(problem, fix)
 * @example
 * doctor({ config: await readFile('wrangler.toml', 'utf8'), response: await fetch('https://app.example/api', call) })
 */
export function doctor({ ctx, config, response }: DoctorInput = {}): readonly Finding[] {
  const settings = config === undefined ? currentWorkerSettings() : parseWranglerConfig(config)
  return [
    ...(settings ? checkSettings(settings) : []),
    ...(settings && config === undefined && !ctx?.waitUntil ? [missingWaitUntil] : []),
    ...(response ? checkResponseHeaders(response.headers) : []),
  ]
}

interface WorkerSettings {
  readonly hasSignal: boolean
  readonly hasBackpressure: boolean
  readonly hasNode: boolean
}

/** Of the Worker that this runs in. */
function currentWorkerSettings(): WorkerSettings | undefined {
  const flags = workerFlags()
  if (!flags) return undefined
  return {
    hasSignal: flags.enable_request_signal === true,
    hasBackpressure: flags['fixup-transform-stream-backpressure'] === true,
    // Newer dates bring it by themselves.
    hasNode: false,
  }
}

/** Of a configuration, in TOML or JSON. */
function parseWranglerConfig(text: string): WorkerSettings {
  const config = text.replace(/^\s*(#|\/\/).*/gm, '')
  const date = /compatibility_date"?\s*[=:]\s*["'](\d{4}-\d\d-\d\d)/.exec(config)?.[1] ?? ''
  const flags = /compatibility_flags"?\s*[=:]\s*\[([^\]]*)\]/.exec(config)?.[1] ?? ''
  return {
    hasSignal: flags.includes('enable_request_signal'),
    hasBackpressure: date >= BACKPRESSURE_DATE,
    hasNode: /nodejs_compat\b/.test(flags),
  }
}

const BACKPRESSURE_DATE = '2024-12-16'

function* checkSettings({ hasSignal, hasBackpressure, hasNode }: WorkerSettings): Generator<Finding> {
  if (!hasSignal) {
    yield {
      code: 'no_request_signal',
      problem: "This Worker's request.signal does not abort when a client leaves: the model goes on talking, and its tokens are paid for.",
      fix: 'Add compatibility_flags = ["enable_request_signal"] to wrangler.toml.',
    }
  }
  if (!hasBackpressure) {
    yield {
      code: 'no_backpressure',
      problem: 'With its compatibility date, a client that reads slowly does not slow the model: the answer piles up in memory.',
      fix: `Set compatibility_date = "${BACKPRESSURE_DATE}" or later in wrangler.toml.`,
    }
  }
  if (hasNode) {
    yield {
      code: 'nodejs_compat',
      problem: 'nodejs_compat is on. chaintap does not need it (chaintap/async-context alone asks for nodejs_als).',
      fix: 'Leave it out where nothing else needs it: the Worker is smaller and starts sooner.',
      isNote: true,
    }
  }
}

const missingWaitUntil: Finding = {
  code: 'no_wait_until',
  problem: 'Without waitUntil, what handlers have left to do at the end of an answer may be cut off.',
  fix: 'Pass the third argument of fetch on: fetch: (request, env, ctx) => handler(request, env, ctx).',
}

function* checkResponseHeaders(headers: Headers): Generator<Finding> {
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    yield {
      code: 'compressed',
      problem: `The answer is compressed (${encoding}), and may be held back until it ends.`,
      fix: 'Send content-encoding: identity, as toResponse does, and look for what changes it on the way.',
    }
  }
  if (headers.has('content-length')) {
    yield {
      code: 'held_back',
      problem: 'The answer has a content-length: something has gathered it whole.',
      fix: 'Return the Response of toResponse as it is, and turn off buffering in what stands before the Worker.',
    }
  }
  if (!/no-cache|no-store/.test(headers.get('cache-control') ?? '')) {
    yield {
      code: 'may_be_cached',
      problem: 'Nothing keeps the answer out of caches.',
      fix: 'Send cache-control: no-cache, as toResponse does.',
    }
  }
}
