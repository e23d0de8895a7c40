/** Enough for the error body of any provider. */
const MAX_ERROR_BODY_BYTES = 16_384
/** How long to wait for the body: its status is known, and servers send the two together. */
const ERROR_BODY_TIMEOUT_MS = 1_000

/** One read of a body. */
interface BodyRead {
  readonly done: boolean
  readonly value?: unknown
}

/**
 * Reads the beginning of an error response's body as text: at most 16 KiB, for at most 1 s. Returns what arrived before the limit, or before
 * reading failed. The caller must cancel the body.
 */
export async function readErrorText(read: () => Promise<BodyRead> | BodyRead): Promise<string> {
  const decoder = new TextDecoder()
  const deadline = Date.now() + ERROR_BODY_TIMEOUT_MS
  let clearTimer = (): void => {}
  const timeout = new Promise<BodyRead>((resolve) => {
    const timer = setTimeout(() => resolve({ done: true }), ERROR_BODY_TIMEOUT_MS)
    clearTimer = () => clearTimeout(timer)
  })
  let text = ''
  try {
    // A body of empty chunks never lets the timer fire.
    for (let left = MAX_ERROR_BODY_BYTES; left > 0 && Date.now() < deadline; ) {
      const { done, value } = await Promise.race([read(), timeout])
      if (done) break
      const bytes = (value as Uint8Array).subarray(0, left)
      left -= bytes.length
      text += decoder.decode(bytes, { stream: true })
    }
  } catch {
    // The status is enough for an error.
  }
  clearTimer()
  return text
}
