/** Creates a generator of UUIDv7 ids (RFC 9562 §5.7) for a run tree: random bits once, then the last 32 bits count up (§6.2, method 2). */
export function idFactory(): () => string {
  const time = Date.now().toString(16).padStart(12, '0')
  const random = randomUUID()
  const head = `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15, 28)}`
  let count = Number.parseInt(random.slice(28), 16)
  return () => head + (count++ >>> 0).toString(16).padStart(8, '0')
}

/** Pages on plain http lack `crypto.randomUUID`. Where it exists, it takes 0.1 µs; `getRandomValues` takes 8 µs in Node. */
function randomUUID(): string {
  if (crypto.randomUUID) return crypto.randomUUID()
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
}
