import { isPackedBody, PACKED_PREFIX, type Segment } from '../segment/segment.ts'
import { loadKey } from './key.ts'

const GZIP_MAGIC = [0x1f, 0x8b] as const
const IV_BYTES = 12

/**
 * Compresses or encrypts the body of a segment. The packed body is a record to show if it cannot be unpacked, followed by the bytes as
 * characters below 256, which engines store in one byte each. The bytes are text or gzip; with a key, an IV and their AES-GCM ciphertext,
 * bound to the segment's name.
 */
export async function packSegment(segment: Segment, isCompressing: boolean, key?: CryptoKey): Promise<Segment> {
  const { head, body } = segment
  const text = new TextEncoder().encode(body)
  const zipped = isCompressing ? await transformBytes(text, new CompressionStream('gzip')) : text
  const clear = zipped.length < text.length ? zipped : text
  const bytes = key ? await encrypt(clear, head.name, key) : clear
  const packed = `${PACKED_PREFIX}${createUnreadableRecord(segment)}\n${key ? 'e' : 'g'}${bytesToBinaryString(bytes)}`
  return key || packed.length < head.bytes ? { head: { ...head, bytes: packed.length }, body: packed } : segment
}

/** Unpacks the bodies of segments; `log` is the name of the log's key. */
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
 * Unpacks a body; returns its substitute record if the key is missing or a different one. Rejects if the key could not be loaded: a reader
 * that skipped a record for that reason would miss it.
 */
async function unpackBody(packed: string, name: string, keyOf: () => Promise<CryptoKey | undefined>): Promise<string> {
  const end = packed.indexOf('\n')
  const isEncrypted = packed[end + 1] === 'e'
  const key = isEncrypted ? await keyOf() : undefined
  try {
    const bytes = binaryStringToBytes(packed, end + 2)
    const clear = isEncrypted ? await decrypt(bytes, name, key) : bytes
    const isZipped = GZIP_MAGIC.every((byte, i) => clear[i] === byte)
    return new TextDecoder().decode(isZipped ? await transformBytes(clear, new DecompressionStream('gzip')) : clear)
  } catch {
    return packed.slice(PACKED_PREFIX.length, end)
  }
}

function createUnreadableRecord({ head }: Segment): string {
  const unreadable = head.records
  const message = { level: 'warning', at: head.to, category: ['chaintap', 'log'], message: `records unreadable: ${unreadable}` }
  return JSON.stringify({ ...message, properties: { unreadable } })
}

type SegmentBytes = Uint8Array<ArrayBuffer>

/** Binds the ciphertext to the segment's name: swapped bodies fail to decrypt. */
const aesGcmParams = (iv: SegmentBytes, name: string): AesGcmParams => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(name),
})

async function encrypt(clear: SegmentBytes, name: string, key: CryptoKey): Promise<SegmentBytes> {
  // Random IVs are safe for 2^32 segments per key (NIST SP 800-38D, 8.3).
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const ciphertext = new Uint8Array(await crypto.subtle.encrypt(aesGcmParams(iv, name), key, clear))
  const bytes = new Uint8Array(IV_BYTES + ciphertext.length)
  bytes.set(iv)
  bytes.set(ciphertext, IV_BYTES)
  return bytes
}

async function decrypt(bytes: SegmentBytes, name: string, key: CryptoKey | undefined): Promise<SegmentBytes> {
  if (!key) throw new Error('The encryption key of the log is missing.')
  return new Uint8Array(await crypto.subtle.decrypt(aesGcmParams(bytes.subarray(0, IV_BYTES), name), key, bytes.subarray(IV_BYTES)))
}

async function transformBytes(bytes: SegmentBytes, stream: CompressionStream | DecompressionStream): Promise<SegmentBytes> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer())
}

/** Arguments per call; engines accept some ten thousand. */
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
