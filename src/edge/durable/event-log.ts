import type { DurableStorage } from './platform.ts'

/** An encoded event of a run. The outcome's `seq` is that of the last event plus 1. */
export interface EventFrame {
  readonly seq: number
  readonly text: string
}

/** Frames read at once, and the key to continue after. */
export interface EventLogChunk {
  readonly key: number
  readonly bytes: Uint8Array
}

/** A row's key is the `seq` of its last frame times this. The parts of a frame that is too large for one row have consecutive keys. */
const KEYS_PER_FRAME = 1024
/** Characters per row. SQLite in a Durable Object accepts rows of up to 2 MB, and a character may take three bytes. */
const MAX_FRAME_ROW_CHARACTERS = 262_144
/** Bytes read at once, from as many rows as that takes. */
const READ_CHUNK_BYTES = 65_536

/** The frames of one run in SQLite, as the bytes that readers receive, one row per commit. Only durable rows are read. */
export class EventLog {
  /** Total size of the durable frames. */
  durableBytes = 0
  readonly #sql: DurableStorage['sql']
  /** Key of the last durable row; -1 if there is none. */
  #lastKey = -1
  #isDeleted = false
  /** Whether rows were written whose durability is unknown. */
  #mayHaveUnsyncedRows = false
  #newestChunk: { readonly after: number; readonly chunk: EventLogChunk } | undefined

  constructor(sql: DurableStorage['sql']) {
    this.#sql = sql
  }

  /** `seq` of the last durable frame; -1 if there is none. */
  get lastSeq(): number {
    return Math.floor(this.#lastKey / KEYS_PER_FRAME)
  }

  createTable(): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS chaintap_frames (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL)')
  }

  /** Makes reads of older rows throw, because the object may start another run in the same table. */
  markDeleted(): void {
    this.#isDeleted = true
  }

  /** Loads the state written by an earlier instance of the object. */
  load(): void {
    const [found] = this.#sql.exec('SELECT max(key) AS key, sum(length(bytes)) AS bytes FROM chaintap_frames')
    this.#lastKey = Number(found?.key ?? -1)
    this.durableBytes = Number(found?.bytes ?? 0)
  }

  /** Writes frames. Call the returned function once they are durable. */
  append(frames: readonly EventFrame[]): () => void {
    const after = this.#lastKey
    const rows = [...encodeRows(frames)]
    // After a failed commit its frames are written again, with others: delete its rows, so that none overlap.
    if (this.#mayHaveUnsyncedRows) this.#sql.exec('DELETE FROM chaintap_frames WHERE key > ?', after)
    this.#mayHaveUnsyncedRows = true
    for (const { key, bytes } of rows) this.#sql.exec('INSERT INTO chaintap_frames VALUES (?, ?)', key, bytes)
    return () => {
      this.#mayHaveUnsyncedRows = false
      const [chunk] = rows
      // Cached for the readers that are up to date.
      this.#newestChunk = rows.length === 1 && chunk ? { after, chunk } : undefined
      this.#lastKey = rows.at(-1)?.key ?? after
      for (const { bytes } of rows) this.durableBytes += bytes.byteLength
    }
  }

  /** Returns the key to read after, for a reader that has the frames up to `seq`. */
  static keyAfter(seq: number): number {
    return (seq + 1) * KEYS_PER_FRAME - 1
  }

  /** Whether a key is past the last row. */
  isPastEnd(key: number): boolean {
    return key > this.#lastKey
  }

  /** Reads the frames after a key; returns undefined if there are none yet. */
  read(after: number): EventLogChunk | undefined {
    if (after >= this.#lastKey) return undefined
    if (this.#newestChunk?.after === after) return this.#newestChunk.chunk
    if (this.#isDeleted) throw new Error('The run was deleted: its retention time is over.')
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
