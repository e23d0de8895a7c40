import type { Context } from './response/to-response.ts'
import { workerFlags } from './worker-flags.ts'

/** A problem that keeps responses from streaming or ending correctly. */
export interface Finding {
  /** Identifies the problem. */
  readonly code: 'no_request_signal' | 'no_backpressure' | 'no_wait_until' | 'nodejs_compat' | 'compressed' | 'held_back' | 'may_be_cached'
  /** What is wrong, and what follows from it. */
  readonly problem: string
  /** What to change. */
  readonly fix: string
  /** Whether this is only a hint: nothing breaks. */
  readonly isNote?: boolean
}

/** What {@link doctor} checks. */
export interface DoctorInput {
  /** The third argument of a Worker's `fetch`. */
  readonly ctx?: Context | undefined
  /** The text of wrangler.toml or wrangler.jsonc, for use in a script. Inside a Worker, the settings are read from its runtime. */
  readonly config?: string
  /** A streamed response, either from the Worker's code or fetched from its URL. */
  readonly response?: Response
}

/**
 * Checks whether a Worker can stream responses: compatibility flags and date, `waitUntil`, and response headers that cause buffering.
 * Reads only its argument and, inside a Worker, the Worker's settings. Outside Workers, settings are checked only if `config` is given.
 *
 * `serve` calls it at the first request from localhost and logs the problems to the console.
 *
 * @example
 * const worker = {
 *   fetch(request: Request, env: unknown, ctx: Context) {
 *     for (const { problem, fix } of doctor({ ctx })) console.warn(problem, fix)
 *     return serve(chain)(request, env, ctx)
 *   },
 * }
 * @example
 * const findings = doctor({ config: 'compatibility_date = "2024-01-01"', response: await fetch('https://app.example/api') })
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

/** Returns the settings of the Worker that this runs in; undefined outside workerd. */
function currentWorkerSettings(): WorkerSettings | undefined {
  const flags = workerFlags()
  if (!flags) return undefined
  return {
    hasSignal: flags.enable_request_signal === true,
    hasBackpressure: flags['fixup-transform-stream-backpressure'] === true,
    // Not detectable: newer compatibility dates enable it by default.
    hasNode: false,
  }
}

/** Parses the settings in a configuration file, TOML or JSON. */
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
      problem: "This Worker's request.signal does not abort when a client leaves: the model continues, and its tokens are billed.",
      fix: 'Add compatibility_flags = ["enable_request_signal"] to wrangler.toml.',
    }
  }
  if (!hasBackpressure) {
    yield {
      code: 'no_backpressure',
      problem: 'With this compatibility date, a slow client does not slow down the model: the response accumulates in memory.',
      fix: `Set compatibility_date = "${BACKPRESSURE_DATE}" or later in wrangler.toml.`,
    }
  }
  if (hasNode) {
    yield {
      code: 'nodejs_compat',
      problem: 'nodejs_compat is enabled. chaintap does not need it (only chaintap/async-context needs nodejs_als).',
      fix: 'Remove it if nothing else needs it: the Worker is smaller and starts sooner.',
      isNote: true,
    }
  }
}

const missingWaitUntil: Finding = {
  code: 'no_wait_until',
  problem: 'Without waitUntil, the Worker may end before the handlers of a run are done.',
  fix: 'Pass on the third argument of fetch: fetch: (request, env, ctx) => handler(request, env, ctx).',
}

function* checkResponseHeaders(headers: Headers): Generator<Finding> {
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    yield {
      code: 'compressed',
      problem: `The response is compressed (${encoding}), so it may be buffered until it ends.`,
      fix: 'Send content-encoding: identity, as toResponse does, and find out which proxy changes it.',
    }
  }
  if (headers.has('content-length')) {
    yield {
      code: 'held_back',
      problem: 'The response has a content-length: something buffered it whole.',
      fix: 'Return the Response of toResponse unchanged, and turn off buffering in proxies before the Worker.',
    }
  }
  if (!/no-cache|no-store/.test(headers.get('cache-control') ?? '')) {
    yield {
      code: 'may_be_cached',
      problem: 'Caches may store the response.',
      fix: 'Send cache-control: no-cache, as toResponse does.',
    }
  }
}
