import { isPackedBody, PACKED_PREFIX, type Segment } from '../segment/segment.ts'
import { loadKey } from './key.ts'

const GZIP_MAGIC = [0x1f, 0x8b] as const
const IV_BYTES = 12

/**
 * A body as it is kept: the record that stands for it where it cannot be opened, and after it the bytes, each as a character below 256,
 * which engines keep as one byte. They are text or gzip; with a key, an IV and what AES-GCM has made of them for this segment's name.
 */
export async function packSegment(segment: Segment, isSmaller: boolean, key?: CryptoKey): Promise<Segment> {
  const { head, body } = segment
  const text = new TextEncoder().encode(body)
  const zipped = isSmaller ? await transformBytes(text, new CompressionStream('gzip')) : text
  const clear = zipped.length < text.length ? zipped : text
  const bytes = key ? await encrypt(clear, head.name, key) : clear
  const sealed = `${PACKED_PREFIX}${createUnreadableRecord(segment)}\n${key ? 'e' : 'g'}${bytesToBinaryString(bytes)}`
  return key || sealed.length < head.bytes ? { head: { ...head, bytes: sealed.length }, body: sealed } : segment
}

/** Bodies with those names, of the log whose key has its name, as they were before they were sealed. */
export async function unpackBodies(
  bodies: readonly (string | undefined)[],
  names: readonly string[],
  log: string,
): Promise<readonly (string | undefined)[]> {
  let key: Promise<CryptoKey | undefined> | undefined
  const keyOf = (): Promise<CryptoKey | undefined> => (key ??= loadKey(log))
  return Promise.all(
    bodies.map(async (body, i) => (body !== undefined && isPackedBody(body) ? unpackBody(body, names[i] ?? '', keyOf) : body)),
  )
}

/**
 * The body that was sealed; where its key is gone or another, the record that stands for it. Rejects where nobody knows whether there is a
 * key: who goes on behind a record that only seems to be unreadable has missed it.
 */
async function unpackBody(sealed: string, name: string, keyOf: () => Promise<CryptoKey | undefined>): Promise<string> {
  const end = sealed.indexOf('\n')
  const isSecret = sealed[end + 1] === 'e'
  const key = isSecret ? await keyOf() : undefined
  try {
    const bytes = binaryStringToBytes(sealed, end + 2)
    const clear = isSecret ? await decrypt(bytes, name, key) : bytes
    const isZipped = GZIP_MAGIC.every((byte, i) => clear[i] === byte)
    return new TextDecoder().decode(isZipped ? await transformBytes(clear, new DecompressionStream('gzip')) : clear)
  } catch {
    return sealed.slice(PACKED_PREFIX.length, end)
  }
}

function createUnreadableRecord({ head }: Segment): string {
  const unreadable = head.records
  const said = { level: 'warning', at: head.to, category: ['chaintap', 'log'], message: `records unreadable: ${unreadable}` }
  return JSON.stringify({ ...said, properties: { unreadable } })
}

type SegmentBytes = Uint8Array<ArrayBuffer>

/** The name is bound to it: bodies that somebody has swapped do not open. */
const aesGcmParams = (iv: SegmentBytes, name: string): AesGcmParams => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(name),
})

async function encrypt(clear: SegmentBytes, name: string, key: CryptoKey): Promise<SegmentBytes> {
  // Random IVs are good for 2^32 segments of one key (NIST SP 800-38D, 8.3).
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const secret = new Uint8Array(await crypto.subtle.encrypt(aesGcmParams(iv, name), key, clear))
  const bytes = new Uint8Array(IV_BYTES + secret.length)
  bytes.set(iv)
  bytes.set(secret, IV_BYTES)
  return bytes
}

async function decrypt(bytes: SegmentBytes, name: string, key: CryptoKey | undefined): Promise<SegmentBytes> {
  if (!key) throw new Error('The key is gone.')
  return new Uint8Array(await crypto.subtle.decrypt(aesGcmParams(bytes.subarray(0, IV_BYTES), name), key, bytes.subarray(IV_BYTES)))
}

async function transformBytes(bytes: SegmentBytes, stream: CompressionStream | DecompressionStream): Promise<SegmentBytes> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer())
}

/** Arguments of one call: engines take some ten thousand. */
const CODES_PER_CALL = 8_192

function bytesToBinaryString(bytes: SegmentBytes): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += CODES_PER_CALL) text += String.fromCharCode(...bytes.subarray(at, at + CODES_PER_CALL))
  return text
}

function binaryStringToBytes(binary: string, from: number): SegmentBytes {
  const bytes = new Uint8Array(binary.length - from)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(from + i)
  return bytes
}
