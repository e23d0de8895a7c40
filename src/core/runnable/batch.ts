import type { BatchOptions, RunOptions } from '../options.ts'
import { errorMessage } from '../util/error-message.ts'
import { listenForAbort } from '../util/signal.ts'

/** Calls `one` for each input, at most `limit` at once, and resolves with the outputs in the order of the inputs. */
export async function mapAll<In, Out>(
  inputs: readonly In[],
  { returnErrors = false, runId, ...options }: BatchOptions,
  limit: number | undefined,
  one: (input: In, options: RunOptions) => Promise<Out>,
): Promise<(Out | Error)[]> {
  const others = new AbortController()
  const removeListener = options.signal && listenForAbort(options.signal, (reason) => others.abort(reason))
  const outputs: (Out | Error)[] = []
  let failure: { readonly error: unknown } | undefined
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < inputs.length && !failure) {
      const index = next++
      try {
        outputs[index] = await one(inputs[index] as In, { ...options, ...(runId && index === 0 && { runId }), signal: others.signal })
      } catch (error) {
        if (returnErrors) outputs[index] = error instanceof Error ? error : new Error(errorMessage(error), { cause: error })
        else if (!failure) {
          failure = { error }
          others.abort(error)
        }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(Math.max(1, limit ?? inputs.length), inputs.length) }, worker))
  removeListener?.()
  if (failure) throw failure.error
  return outputs
}
