/** What is used of `navigator`. */
interface NavigatorLocks {
  readonly locks?: { request(name: string, options: { readonly signal: AbortSignal }, work: () => Promise<void>): Promise<void> }
}

/** Does some work when nobody else of this origin does work of this name; without Web Locks at once. */
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
    // In an opaque origin (a sandboxed frame) asking is a SecurityError.
    if (hasBegun || signal.aborted) throw error
  }
  if (!hasBegun) await work()
}
