/** The part of `navigator` that is used. */
interface NavigatorLocks {
  readonly locks?: { request(name: string, options: { readonly signal: AbortSignal }, work: () => Promise<void>): Promise<void> }
}

/** Runs `work` while holding the Web Lock `name`; without Web Locks, runs it at once. */
export async function withWebLock(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  const { locks } = (globalThis as { readonly navigator?: NavigatorLocks }).navigator ?? {}
  let hasBegun = false
  const begin = (): Promise<void> => {
    hasBegun = true
    return work()
  }
  try {
    await locks?.request(name, { signal }, begin)
  } catch (error) {
    // In an opaque origin (a sandboxed frame) request() rejects with a SecurityError.
    if (hasBegun || signal.aborted) throw error
  }
  if (!hasBegun) await work()
}
