import { isPackedBody, PACKED_PREFIX, type Segment, type SegmentHeader } from '../segment/segment.ts'
import { loadKey } from './key.ts'

const GZIP_MAGIC = [0x1f, 0x8b] as const
const IV_BYTES = 12

/** Body formats, after the substitute record: gzip; encrypted; encrypted with the header as its first line. */
const [GZIP, LEGACY_ENCRYPTED, ENCRYPTED] = ['g', 'e', 'h'] as const

/**
 * Compresses or encrypts the body of a segment. The packed body is a record to show if it cannot be unpacked, followed by the bytes as
 * characters below 256, which engines store in one byte each. The bytes are text or gzip; with a key, an IV and their AES-GCM ciphertext,
 * bound to the segment's name. The ciphertext contains the header, too, so that a changed header can be restored.
 */
export async function packSegment(segment: Segment, isCompressing: boolean, key?: CryptoKey): Promise<Segment> {
  const { head, body } = segment
  const text = new TextEncoder().encode(key ? `${JSON.stringify(head)}\n${body}` : body)
  const zipped = isCompressing ? await transformBytes(text, new CompressionStream('gzip')) : text
  const clear = zipped.length < text.length ? zipped : text
  const bytes = key ? await encrypt(clear, head.name, key) : clear
  const packed = `${PACKED_PREFIX}${createUnreadableRecord(head)}\n${key ? ENCRYPTED : GZIP}${bytesToBinaryString(bytes)}`
  const packedHead = { ...head, bytes: packed.length }
  if (key) return { head: await sealHeader(packedHead, key), body: packed }
  return packed.length < head.bytes ? { head: packedHead, body: packed } : segment
}

/** The authenticated fields of a header. A segment name has no line break, so that no body can be taken for a seal. */
const sealedFields = ({ name, records, bytes, from, to, level, runs, roots, elsewhere }: SegmentHeader): string =>
  `head\n${JSON.stringify([name, records, bytes, from, to, level, runs, roots, elsewhere])}`

/** Adds the authentication tag of a header. */
async function sealHeader(head: SegmentHeader, key: CryptoKey): Promise<SegmentHeader> {
  return { ...head, seal: bytesToBinaryString(await encrypt(new Uint8Array(), sealedFields(head), key)) }
}

/** Whether the header is as it was written. */
export async function isSealIntact(head: SegmentHeader, key: CryptoKey): Promise<boolean> {
  if (typeof head.seal !== 'string') return false
  return decrypt(binaryStringToBytes(head.seal, 0), sealedFields(head), key).then(
    () => true,
    () => false,
  )
}

/** Returns the header that the ciphertext of a body contains; `undefined` if it cannot be decrypted, or was written before bodies had one. */
export async function restoreHeader(packed: string, name: string, key: CryptoKey): Promise<SegmentHeader | undefined> {
  try {
    const { header } = await decodeBody(packed, name, key)
    return header === undefined ? undefined : { ...(JSON.parse(header) as SegmentHeader), bytes: packed.length }
  } catch {
    return undefined
  }
}

export function isEncryptedBody(body: string): boolean {
  const format = isPackedBody(body) ? body[body.indexOf('\n') + 1] : undefined
  return format === ENCRYPTED || format === LEGACY_ENCRYPTED
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
  const key = isEncryptedBody(packed) ? await keyOf() : undefined
  try {
    return (await decodeBody(packed, name, key)).body
  } catch {
    // Two numbers of the substitute and no text: it is not authenticated.
    const [, to, records] = /"at":(\d+).*"unreadable":(\d+)/.exec(packed.slice(0, packed.indexOf('\n'))) ?? []
    return createUnreadableRecord({ to: Number(to ?? 0), records: Number(records ?? 1) })
  }
}

interface DecodedBody {
  readonly header?: string
  readonly body: string
}

async function decodeBody(packed: string, name: string, key: CryptoKey | undefined): Promise<DecodedBody> {
  const end = packed.indexOf('\n')
  const bytes = binaryStringToBytes(packed, end + 2)
  const clear = isEncryptedBody(packed) ? await decrypt(bytes, name, key) : bytes
  const isZipped = GZIP_MAGIC.every((byte, i) => clear[i] === byte)
  const text = new TextDecoder().decode(isZipped ? await transformBytes(clear, new DecompressionStream('gzip')) : clear)
  if (packed[end + 1] !== ENCRYPTED) return { body: text }
  const line = text.indexOf('\n')
  return { header: text.slice(0, line), body: text.slice(line + 1) }
}

/** The record in place of a segment that cannot be read. */
export const createUnreadableRecord = ({ records: unreadable, to }: Pick<SegmentHeader, 'records' | 'to'>): string =>
  createNotice(to, `records unreadable: ${unreadable}`, { unreadable })

/** The record in place of segments that are missing. */
export const createMissingRecord = (at: number, missing: number): string => createNotice(at, `segments missing: ${missing}`, { missing })

const createNotice = (at: number, message: string, properties: Record<string, number>): string =>
  JSON.stringify({ level: 'warning', at, category: ['chaintap', 'log'], message, properties })

type SegmentBytes = Uint8Array<ArrayBuffer>

/** Binds the ciphertext to the segment's name, or to a header: swapped bodies fail to decrypt. */
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
