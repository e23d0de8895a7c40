import type { DurableStorage } from './platform.ts'

/** An event of a run as it is sent; the outcome has the number after the last event's. */
export interface EventFrame {
  readonly seq: number
  readonly text: string
}

/** What is read at once: frames, and where to go on. */
export interface EventLogChunk {
  readonly key: number
  readonly bytes: Uint8Array
}

/** A row's key is the number of its last frame times this; the parts of a frame that has no room in a row follow one another. */
const KEYS_PER_FRAME = 1024
/** Characters of a row. SQLite in a Durable Object takes rows of 2 MB, and a character may be three bytes. */
const MAX_FRAME_ROW_CHARACTERS = 262_144
/** Bytes that a reader is given at once, from as many rows. */
const READ_CHUNK_BYTES = 65_536

/** The frames of one run in SQLite, the frames of a commit in one row, as the bytes that readers get. Only what is durable is read. */
export class EventLog {
  /** Bytes that are durable. */
  durableBytes = 0
  readonly #sql: DurableStorage['sql']
  /** Of the last row that is durable. */
  #lastKey = -1
  #isDeleted = false
  /** Whether rows were written of which it is not known that they are durable. */
  #mayHaveUnsyncedRows = false
  #newestChunk: { readonly after: number; readonly piece: EventLogChunk } | undefined

  constructor(sql: DurableStorage['sql']) {
    this.#sql = sql
  }

  /** The number of the last frame that is durable, -1 where there is none. */
  get lastSeq(): number {
    return Math.floor(this.#lastKey / KEYS_PER_FRAME)
  }

  createTable(): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS chaintap_frames (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL)')
  }

  /** Cuts off who is behind: the same object may do another run. */
  markDeleted(): void {
    this.#isDeleted = true
  }

  /** Takes up what an earlier instance of the object has written. */
  load(): void {
    const [found] = this.#sql.exec('SELECT max(key) AS key, sum(length(bytes)) AS bytes FROM chaintap_frames')
    this.#lastKey = Number(found?.key ?? -1)
    this.durableBytes = Number(found?.bytes ?? 0)
  }

  /** Writes rows. Call what it returns once they are durable. */
  append(frames: readonly EventFrame[]): () => void {
    const after = this.#lastKey
    const rows = [...encodeRows(frames)]
    // After a failure they are written again, and others with them: in rows that must not overlap.
    if (this.#mayHaveUnsyncedRows) this.#sql.exec('DELETE FROM chaintap_frames WHERE key > ?', after)
    this.#mayHaveUnsyncedRows = true
    for (const { key, bytes } of rows) this.#sql.exec('INSERT INTO chaintap_frames VALUES (?, ?)', key, bytes)
    return () => {
      this.#mayHaveUnsyncedRows = false
      const [piece] = rows
      // Readers who are up to date all want this one.
      this.#newestChunk = rows.length === 1 && piece ? { after, piece } : undefined
      this.#lastKey = rows.at(-1)?.key ?? after
      for (const { bytes } of rows) this.durableBytes += bytes.byteLength
    }
  }

  /** The key to read from, for who has the frames up to this one. */
  static keyAfter(seq: number): number {
    return (seq + 1) * KEYS_PER_FRAME - 1
  }

  /** Whether a key is past all that there is. */
  isPastEnd(key: number): boolean {
    return key > this.#lastKey
  }

  /** What comes after a key; undefined where nothing does yet. */
  read(after: number): EventLogChunk | undefined {
    if (after >= this.#lastKey) return undefined
    if (this.#newestChunk?.after === after) return this.#newestChunk.piece
    if (this.#isDeleted) throw new Error('The run has been forgotten.')
    const rows: Uint8Array[] = []
    let key = after
    let size = 0
    for (const row of this.#sql.exec(
      'SELECT key, bytes FROM chaintap_frames WHERE key > ? AND key <= ? ORDER BY key',
      after,
      this.#lastKey,
    )) {
      const bytes = new Uint8Array(row.bytes as ArrayBuffer)
      rows.push(bytes)
      key = Number(row.key)
      size += bytes.byteLength
      if (size >= READ_CHUNK_BYTES) break
    }
    return { key, bytes: concatRows(rows, size) }
  }
}

function* encodeRows(frames: readonly EventFrame[]): Generator<EventLogChunk> {
  const utf8 = new TextEncoder()
  let text = ''
  let seq = 0
  for (const frame of frames) {
    if (text !== '' && text.length + frame.text.length > MAX_FRAME_ROW_CHARACTERS) {
      yield { key: seq * KEYS_PER_FRAME, bytes: utf8.encode(text) }
      text = ''
    }
    if (frame.text.length > MAX_FRAME_ROW_CHARACTERS) yield* splitFrame(frame.seq, utf8.encode(frame.text))
    else text += frame.text
    seq = frame.seq
  }
  if (text !== '') yield { key: seq * KEYS_PER_FRAME, bytes: utf8.encode(text) }
}

function* splitFrame(seq: number, bytes: Uint8Array): Generator<EventLogChunk> {
  for (let part = 0; part * MAX_FRAME_ROW_CHARACTERS < bytes.byteLength; part++)
    yield { key: seq * KEYS_PER_FRAME + part, bytes: bytes.slice(part * MAX_FRAME_ROW_CHARACTERS, (part + 1) * MAX_FRAME_ROW_CHARACTERS) }
}

function concatRows(rows: readonly Uint8Array[], size: number): Uint8Array {
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
