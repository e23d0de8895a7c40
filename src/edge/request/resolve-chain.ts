import { mergeOptions } from '../../core/options.ts'
import { Runnable } from '../../core/runnable/runnable.ts'
import type { ParsedRequest } from './parse-request.ts'

/** A chain of any input and output. */
export type ServedChain = Runnable<never, unknown, unknown>

/** A chain, or what makes one for a call. */
export type ChainOrFactory<Env> = ServedChain | ((env: Env, request: Request, ask: ParsedRequest) => ServedChain | Promise<ServedChain>)

/** The chain that answers a call, with what its caller sets under what it has bound itself: no caller speaks for the server. */
export async function resolveChain<Env>(chain: ChainOrFactory<Env>, env: Env, request: Request, ask: ParsedRequest): Promise<ServedChain> {
  const served = chain instanceof Runnable ? chain : await chain(env, request, ask)
  return Object.assign(served.withConfig({}), { config: mergeOptions(ask.options, { ...served.config }) })
}
