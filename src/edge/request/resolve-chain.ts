import { mergeOptions } from '../../core/options.ts'
import { Runnable } from '../../core/runnable/runnable.ts'
import type { ParsedRequest } from './parse-request.ts'

/** A chain of any input and output. */
export type ServedChain = Runnable<never, unknown, unknown>

/** A chain, or a function that returns one for a request. */
export type ChainOrFactory<Env> = ServedChain | ((env: Env, request: Request, parsed: ParsedRequest) => ServedChain | Promise<ServedChain>)

/** Returns the chain of a request with the caller's options bound. Options that the chain has bound itself override the caller's. */
export async function resolveChain<Env>(
  chain: ChainOrFactory<Env>,
  env: Env,
  request: Request,
  parsed: ParsedRequest,
): Promise<ServedChain> {
  const served = chain instanceof Runnable ? chain : await chain(env, request, parsed)
  return Object.assign(served.withConfig({}), { config: mergeOptions(parsed.options, { ...served.config }) })
}
