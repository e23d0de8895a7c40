/** The requested pause in ms: from `retry-after-ms`, or from `retry-after` in seconds or as a date (RFC 9110 §10.2.3). */
export function retryAfterMs(headers: Headers): number | undefined {
  const after = headers.get('retry-after') ?? ''
  const candidates = [
    Number.parseFloat(headers.get('retry-after-ms') ?? ''),
    Number.parseFloat(after) * 1_000,
    Date.parse(after) - Date.now(),
  ]
  const ms = candidates.find(Number.isFinite)
  return ms && Math.max(0, ms)
}
