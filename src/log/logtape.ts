import type { RunEvent } from '../core/event.ts'
import type { CallbackMethods } from '../core/handler/methods.ts'
import { stringify } from '../core/json/stringify.ts'
import { type AsyncDisposableIfKnown, setAsyncDispose } from '../core/util/dispose.ts'
import { flushIgnoringErrors } from './handler.ts'
import { type LogLevel, levelOf } from './level.ts'
import type { LogStore } from './store.ts'

/** Logs a message with its properties, at the level of the method's name. */
export type LogTapeMethod = (message: string, properties: Record<string, unknown>) => void

/**
 * The part of a LogTape `Logger` that {@link logtapeHandler} calls.
 *
 * @see https://jsr.io/@logtape/logtape/doc/~/Logger
 */
export interface LogTapeLogger {
  /** Called for events of the level `trace`. */
  readonly trace: LogTapeMethod
  /** Called for events of the level `debug`. */
  readonly debug: LogTapeMethod
  /** Called for events of the level `info`. */
  readonly info: LogTapeMethod
  /** Called for events of the level `warning`. */
  readonly warn: LogTapeMethod
  /** Called for events of the level `error`. */
  readonly error: LogTapeMethod
}

/**
 * The part of a LogTape `LogRecord` that {@link logtapeSink} reads.
 *
 * @see https://jsr.io/@logtape/logtape/doc/~/LogRecord
 */
export interface LogTapeRecord {
  /** The logger's category, from general to specific. */
  readonly category: readonly string[]
  /** Severity. */
  readonly level: LogLevel
  /** Text and interpolated values, alternating. */
  readonly message: readonly unknown[]
  /** Time, in ms since epoch. */
  readonly timestamp: number
  /** Structured data. */
  readonly properties: Readonly<Record<string, unknown>>
}

/** A LogTape `Sink`; LogTape disposes of it on `dispose()` and `reset()`. */
export interface LogTapeSink extends AsyncDisposableIfKnown {
  (record: LogTapeRecord): void
}

/**
 * Returns a handler that forwards events to a LogTape logger: tokens, deltas and chunks as `trace`, retries and stopped runs as `warning`,
 * errors as `error`, every other event as `info`.
 *
 * @example
 * import { getLogger } from '@logtape/logtape'
 *
 * await chain.invoke('hello', { callbacks: [logtapeHandler(getLogger(['app', 'chains']))] })
 */
export function logtapeHandler(logger: LogTapeLogger): CallbackMethods {
  return {
    name: 'logtapeHandler',
    onEvent(event) {
      const level = levelOf(event)
      logger[level === 'warning' ? 'warn' : level === 'fatal' ? 'error' : level]('{kind} {run}: {type}', toLogTapeProperties(event))
    },
  }
}

function toLogTapeProperties({ run, ...event }: RunEvent): Record<string, unknown> {
  return { ...event, kind: run.kind, run: run.name, runId: run.id, parentId: run.parentId, rootId: run.rootId, tags: run.tags }
}

/**
 * Returns a LogTape sink that writes to a log, so that a program's own messages and the events of its runs are in one place. Disposing of the
 * sink flushes the log, and does not close it.
 *
 * @example
 * import { configure } from '@logtape/logtape'
 *
 * await configure({ sinks: { log: logtapeSink(log) }, loggers: [{ category: 'app', sinks: ['log'] }] })
 */
export function logtapeSink(store: LogStore): LogTapeSink {
  const sink = ({ category, level, message, timestamp: at, properties }: LogTapeRecord): void => {
    store.write({ level, category, message: message.map(messagePartToText).join(''), properties, at })
  }
  return setAsyncDispose(sink, () => flushIgnoringErrors(store))
}

const messagePartToText = (part: unknown): string => (typeof part === 'string' ? part : stringify(part, { limit: 1_024 }))
