import type { DurableStorage } from './platform.ts'

/** An event of a run as it is sent; the outcome has the number after the last event's. */
export interface Frame {
  readonly seq: number
  readonly text: string
}

/** What is read at once: frames, and where to go on. */
export interface Piece {
  readonly key: number
  readonly bytes: Uint8Array
}

/** A row's key is the number of its last frame times this; the parts of a frame that has no room in a row follow one another. */
const PARTS = 1024
/** Characters of a row. SQLite in a Durable Object takes rows of 2 MB, and a character may be three bytes. */
const ROW = 262_144
/** Bytes that a reader is given at once, from as many rows. */
const PIECE = 65_536

/** The frames of one run in SQLite, the frames of a commit in one row, as the bytes that readers get. Only what is durable is read. */
export class FrameLog {
  /** Bytes that are durable. */
  bytes = 0
  readonly #sql: DurableStorage['sql']
  /** Of the last row that is durable. */
  #key = -1
  #isForgotten = false
  /** Whether rows were written of which it is not known that they are durable. */
  #isUnsure = false
  #tail: { readonly after: number; readonly piece: Piece } | undefined

  constructor(sql: DurableStorage['sql']) {
    this.#sql = sql
  }

  /** The number of the last frame that is durable, -1 where there is none. */
  get last(): number {
    return Math.floor(this.#key / PARTS)
  }

  create(): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS chaintap_frames (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL)')
  }

  /** Cuts off who is behind: the same object may do another run. */
  forget(): void {
    this.#isForgotten = true
  }

  /** Takes up what an earlier instance of the object has written. */
  open(): void {
    const [found] = this.#sql.exec('SELECT max(key) AS key, sum(length(bytes)) AS bytes FROM chaintap_frames')
    this.#key = Number(found?.key ?? -1)
    this.bytes = Number(found?.bytes ?? 0)
  }

  /** Writes rows. Call what it returns once they are durable. */
  append(frames: readonly Frame[]): () => void {
    const after = this.#key
    const rows = [...rowsOf(frames)]
    // After a failure they are written again, and others with them: in rows that must not overlap.
    if (this.#isUnsure) this.#sql.exec('DELETE FROM chaintap_frames WHERE key > ?', after)
    this.#isUnsure = true
    for (const { key, bytes } of rows) this.#sql.exec('INSERT INTO chaintap_frames VALUES (?, ?)', key, bytes)
    return () => {
      this.#isUnsure = false
      const [piece] = rows
      // Readers who are up to date all want this one.
      this.#tail = rows.length === 1 && piece ? { after, piece } : undefined
      this.#key = rows.at(-1)?.key ?? after
      for (const { bytes } of rows) this.bytes += bytes.byteLength
    }
  }

  /** The key to read from, for who has the frames up to this one. */
  static keyAfter(seq: number): number {
    return (seq + 1) * PARTS - 1
  }

  /** Whether a key is past all that there is. */
  isBehind(key: number): boolean {
    return key > this.#key
  }

  /** What comes after a key; undefined where nothing does yet. */
  read(after: number): Piece | undefined {
    if (after >= this.#key) return undefined
    if (this.#tail?.after === after) return this.#tail.piece
    if (this.#isForgotten) throw new Error('The run has been forgotten.')
    const rows: Uint8Array[] = []
    let key = after
    let size = 0
    for (const row of this.#sql.exec('SELECT key, bytes FROM chaintap_frames WHERE key > ? AND key <= ? ORDER BY key', after, this.#key)) {
      const bytes = new Uint8Array(row.bytes as ArrayBuffer)
      rows.push(bytes)
      key = Number(row.key)
      size += bytes.byteLength
      if (size >= PIECE) break
    }
    return { key, bytes: joined(rows, size) }
  }
}

/** The frames after this one, of bytes that begin with a frame. */
export function framesAfter(seq: number, bytes: Uint8Array): Uint8Array {
  const utf8 = new TextDecoder()
  let at = 0
  while (at < bytes.byteLength) {
    const line = utf8.decode(bytes.subarray(at, bytes.indexOf(10, at)))
    // The outcome has no id: NaN.
    if (!(Number(line.slice('id: '.length)) <= seq)) break
    // Id, event, data and an empty line: JSON has no line breaks.
    for (let lines = 0; lines < 4; lines++) at = bytes.indexOf(10, at) + 1
  }
  return bytes.subarray(at)
}

function* rowsOf(frames: readonly Frame[]): Generator<Piece> {
  const utf8 = new TextEncoder()
  let text = ''
  let seq = 0
  for (const frame of frames) {
    if (text !== '' && text.length + frame.text.length > ROW) {
      yield { key: seq * PARTS, bytes: utf8.encode(text) }
      text = ''
    }
    if (frame.text.length > ROW) yield* partsOf(frame.seq, utf8.encode(frame.text))
    else text += frame.text
    seq = frame.seq
  }
  if (text !== '') yield { key: seq * PARTS, bytes: utf8.encode(text) }
}

function* partsOf(seq: number, bytes: Uint8Array): Generator<Piece> {
  for (let part = 0; part * ROW < bytes.byteLength; part++)
    yield { key: seq * PARTS + part, bytes: bytes.slice(part * ROW, (part + 1) * ROW) }
}

function joined(rows: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = rows
  if (only && rows.length === 1) return only
  const all = new Uint8Array(size)
  let at = 0
  for (const row of rows) {
    all.set(row, at)
    at += row.byteLength
  }
  return all
}
