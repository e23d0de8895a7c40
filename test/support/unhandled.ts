/** Collects the promise rejections that nothing handles, in Node, workerd and browsers. A rejection is known after the event loop turned. */
export function collectUnhandled(): { readonly reasons: unknown[]; stop(): void } {
  const reasons: unknown[] = []
  // Node has no events of its global object.
  if (typeof addEventListener === 'function') {
    const collect = (event: Event): void => void reasons.push((event as Event & { readonly reason: unknown }).reason)
    addEventListener('unhandledrejection', collect)
    return { reasons, stop: () => removeEventListener('unhandledrejection', collect) }
  }
  const collect = (reason: unknown): void => void reasons.push(reason)
  process.on('unhandledRejection', collect)
  return { reasons, stop: () => void process.off('unhandledRejection', collect) }
}
