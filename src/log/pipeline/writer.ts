import { ChaintapError } from '../../core/errors.ts'
import type { JsonOptions } from '../../core/json/stringify.ts'
import { levels } from '../level.ts'
import type { LogRecord } from '../record.ts'
import type { Rules } from '../redact.ts'
import type { Draft } from '../segment/buffer.ts'
import { SegmentBuilder } from '../segment/builder.ts'
import type { Outbox, Sender } from './write-queue.ts'

/** How long a record waits at most until it is on its way, in ms. */
const DELAY = 200
/** How many segments wait for the outbox. */
const EARLY = 128
const ERROR = levels.indexOf('error')

/** Where all handles of a log write. */
export class Writer implements Sender {
  /** @throws ChaintapError `log_not_written` where it cannot be had */
  readonly opened: Promise<Outbox>
  /** Every record goes on its way at once: a page that is hidden has slow timers, and may not come back. */
  isHurried = false
  /** How many wait for records as they come. */
  followers = 0
  /** How often segments have gone. */
  removals = 0
  /** Called when they have. */
  readonly onRemoval: Set<() => void> = new Set()
  readonly #builder: SegmentBuilder
  outbox: Outbox | undefined
  /** From before there is an outbox. */
  readonly #early: Draft[] = []
  /** For how many records there was no room then. */
  #lost = 0
  /** The end of the log when it was opened, where somebody has asked for it before. */
  #start: Promise<string> | undefined
  #isAsked = false
  #timer: ReturnType<typeof setTimeout> | null = null
  #flushing: Promise<void> | undefined
  #change = Promise.withResolvers<void>()

  constructor(open: (sender: Sender) => Outbox | Promise<Outbox>, options: JsonOptions) {
    this.#builder = new SegmentBuilder(options, (draft) => this.#hand(draft))
    this.opened = contained(Promise.resolve(open(this)).then((outbox) => this.#open(outbox), refuse))
  }

  #hand(draft: Draft): void {
    if (this.outbox) this.outbox.take(draft)
    else if (this.#early.length < EARLY) this.#early.push(draft)
    else this.#lost += draft.records
  }

  #open(outbox: Outbox): Outbox {
    this.outbox = outbox
    if (this.#isAsked) this.#start = outbox.end()
    for (const draft of this.#early.splice(0)) outbox.take(draft)
    if (this.#lost > 0) outbox.lose(this.#lost)
    return outbox
  }

  get isDurable(): boolean {
    return this.outbox?.isDurable ?? false
  }

  changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }

  forget(): void {
    this.removals++
    this.#builder.forget()
    for (const told of this.onRemoval) told()
  }

  /** Settles with the next change of what can be read. */
  get change(): Promise<void> {
    return this.#change.promise
  }

  write(record: LogRecord, rules: Rules): void {
    const level = this.#builder.add(record, rules)
    const isInMemory = this.outbox?.backend.isDurable === false
    if (this.isHurried || level >= ERROR || isEndOfTree(record) || (isInMemory && this.followers > 0)) void this.flush()
    else if (!isInMemory) this.#timer ??= setTimeout(() => void this.flush(), DELAY)
  }

  async append(records: readonly LogRecord[], rules: Rules): Promise<void> {
    for (const record of records) {
      this.write(record, rules)
      // What is left waits with its owner.
      if (this.outbox ? this.outbox.isBusy : this.#early.length > 0) await this.flush().catch(() => {})
    }
    await this.flush()
  }

  /** Resolves when everything that was written is kept. What is written in the same turn goes along. */
  flush(): Promise<void> {
    this.#flushing ??= contained(
      Promise.resolve().then(() => {
        this.#flushing = undefined
        return this.#save()
      }),
    )
    return this.#flushing
  }

  async #save(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.seal()
    const isEarly = this.outbox === undefined
    await (this.outbox ?? (await this.opened)).settle()
    if (isEarly && this.#lost > 0) throw new ChaintapError('log_not_written', 'Too much was written before it was open.')
  }

  /** What was written is given to the outbox. */
  seal(): void {
    this.#builder.seal()
  }

  /** The cursor behind which everything comes that is written from now on. */
  async end(): Promise<string> {
    this.seal()
    const last = this.#early.at(-1)
    if (this.outbox) return this.outbox.end()
    this.#isAsked = true
    const outbox = await this.opened
    return last ? outbox.end(last.name) : (this.#start ?? '')
  }

  async close(): Promise<void> {
    await this.flush().catch(() => {})
    await this.opened.then((outbox) => outbox.close()).catch(() => {})
  }
}

/** The end of a root run. */
function isEndOfTree(record: LogRecord): boolean {
  return 'run' in record && (record.type === 'end' || record.type === 'error') && record.run.id === record.run.rootId
}

/** It may be rejected though nobody waits for it. */
function contained<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

function refuse(cause: unknown): never {
  throw new ChaintapError('log_not_written', 'The log could not be opened: load the page again.', {
    cause,
  })
}
