import type { RunEvent } from '../core/event.ts'
import type { CallbackMethods } from '../core/handler/methods.ts'
import { stringify } from '../core/json/stringify.ts'
import { type AsyncDisposableIfKnown, setAsyncDispose } from '../core/util/dispose.ts'
import { flushIgnoringErrors } from './handler.ts'
import { type LogLevel, levelOf } from './level.ts'
import type { LogStore } from './store.ts'

type LogTapeMethod = (message: string, properties: Record<string, unknown>) => void

/** What is used of a LogTape `Logger`. */
export interface LogTapeLogger {
  readonly trace: LogTapeMethod
  readonly debug: LogTapeMethod
  readonly info: LogTapeMethod
  readonly warn: LogTapeMethod
  readonly error: LogTapeMethod
}

/** What is used of a LogTape `LogRecord`. */
export interface LogTapeRecord {
  readonly category: readonly string[]
  readonly level: LogLevel
  /** Texts and values in turn. */
  readonly message: readonly unknown[]
  /** ms since epoch. */
  readonly timestamp: number
  readonly properties: Readonly<Record<string, unknown>>
}

/** A LogTape `Sink`, which LogTape disposes of. */
export interface LogTapeSink extends AsyncDisposableIfKnown {
  (record: LogTapeRecord): void
}

/**
 * A handler that forwards events to a LogTape logger: what models say as `trace`, retries and stops as `warning`, failures as `error`, all
 * else as `info`.
 *
 * @example
 * await chain.invoke(input, { callbacks: [logtapeHandler(getLogger(['app', 'chains']))] })
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
 * A LogTape sink that writes to a log, so that what a program says stands beside what its runs do. Disposed of, it flushes the log, and
 * leaves it open.
 *
 * @example
 * await configure({ sinks: { log: logtapeSink(store) }, loggers: [{ category: 'app', sinks: ['log'] }] })
 */
export function logtapeSink(store: LogStore): LogTapeSink {
  const sink = ({ category, level, message, timestamp: at, properties }: LogTapeRecord): void => {
    store.write({ level, category, message: message.map(messagePartToText).join(''), properties, at })
  }
  return setAsyncDispose(sink, () => flushIgnoringErrors(store))
}

const messagePartToText = (part: unknown): string => (typeof part === 'string' ? part : stringify(part, { limit: 1_024 }))
