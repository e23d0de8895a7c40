import { mergeOptions } from '../../core/options.ts'
import { Runnable } from '../../core/runnable/runnable.ts'
import type { Ask } from './parse-request.ts'

type Served = Runnable<never, unknown, unknown>

/** A chain, or what makes one for a call. */
export type ChainFor<Env> = Served | ((env: Env, request: Request, ask: Ask) => Served | Promise<Served>)

/** The chain that answers a call, with what its caller sets under what it has bound itself: no caller speaks for the server. */
export async function chainFor<Env>(chain: ChainFor<Env>, env: Env, request: Request, ask: Ask): Promise<Served> {
  const served = chain instanceof Runnable ? chain : await chain(env, request, ask)
  return Object.assign(served.withConfig({}), { config: mergeOptions(ask.options, { ...served.config }) })
}
