/** An SSE comment. Clients ignore it; it keeps proxies from closing a silent connection. */
export const HEARTBEAT_COMMENT = ': heartbeat\n\n'

/** Headers of a streamed response of a media type. */
export const streamHeaders = (type: string): Record<string, string> => ({
  'content-type': type,
  'cache-control': 'no-cache, no-transform',
  // A compressed stream may be buffered until it ends: the local Worker does so, whatever cache-control says.
  'content-encoding': 'identity',
  // Turns off response buffering in nginx and in proxies built on it.
  'x-accel-buffering': 'no',
})

/** Headers of a response of server-sent events. */
export const sseHeaders = (): Record<string, string> => streamHeaders('text/event-stream; charset=utf-8')
