import type { BatchOptions, RunOptions } from '../options.ts'
import { listenForAbort } from '../util/signal.ts'

/** Runs `one` for each input, at most `limit` at once, outputs in the order of the inputs. */
export async function mapAll<In, Out>(
  inputs: readonly In[],
  { returnErrors = false, runId, ...options }: BatchOptions,
  limit: number | undefined,
  one: (input: In, options: RunOptions) => Promise<Out>,
): Promise<(Out | Error)[]> {
  const rest = new AbortController()
  const unfollow = options.signal && listenForAbort(options.signal, (reason) => rest.abort(reason))
  const outputs: (Out | Error)[] = []
  let failure: { readonly error: unknown } | undefined
  let next = 0
  const work = async (): Promise<void> => {
    while (next < inputs.length && !failure) {
      const index = next++
      try {
        outputs[index] = await one(inputs[index] as In, { ...options, ...(runId && index === 0 && { runId }), signal: rest.signal })
      } catch (error) {
        if (returnErrors) outputs[index] = error instanceof Error ? error : new Error(String(error), { cause: error })
        else if (!failure) {
          failure = { error }
          rest.abort(error)
        }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(Math.max(1, limit ?? inputs.length), inputs.length) }, work))
  unfollow?.()
  if (failure) throw failure.error
  return outputs
}
