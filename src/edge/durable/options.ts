import type { EventFilter } from '../../core/handler/filter.ts'
import type { RunOptions } from '../../core/options.ts'
import type { ParseRequestOptions } from '../request/parse-request.ts'
import type { ExposeErrors } from '../response/public-error.ts'
import type { Access } from './access.ts'

/** Limits of a run. A run that exceeds one is stopped with `BudgetExceeded` or `TimeoutError`. */
export interface DurableLimits {
  /**
   * Number of events.
   *
   * @defaultValue 100,000
   */
  readonly events?: number
  /**
   * Size of the encoded events, in bytes.
   *
   * @defaultValue 33,554,432 (32 MiB)
   */
  readonly bytes?: number
  /**
   * Duration of the run, in ms.
   *
   * @defaultValue 3,600,000 (one hour)
   */
  readonly age?: number
}

/** Options of `durable`. */
export interface DurableOptions<Env> extends Omit<ParseRequestOptions, 'formats'> {
  /**
   * Decides who may start, read and stop runs. With `access: () => true`, the id of a run is enough to read and stop it.
   *
   * @defaultValue anyone may start a run, and only the starter may read and stop it: the same browser, recognised by a cookie of the run,
   * or a request with the same `Authorization` header
   */
  readonly access?: Access<Env>
  /**
   * How long a run can be read after its end, in ms; then it is deleted. `Infinity` for never.
   *
   * @defaultValue 86,400,000 (one day)
   */
  readonly retain?: number
  /** Limits of a run: events, bytes, duration. */
  readonly limits?: DurableLimits
  /** Handlers on the server that receive the events of every run. */
  readonly callbacks?: RunOptions['callbacks']
  /**
   * Which events are stored and sent.
   *
   * @defaultValue all, including prompts and the output of every step
   */
  readonly events?: EventFilter
  /**
   * Minimum interval between two commits, in ms. Events are stored and sent once per commit; the first commit is immediate.
   *
   * @defaultValue 100
   */
  readonly commitMs?: number
  /**
   * Interval of the comments that keep proxies from closing a silent stream, in ms. 0 for none.
   *
   * @defaultValue 15,000
   */
  readonly heartbeatMs?: number
  /**
   * Whether callers receive error messages, which may quote confidential data.
   *
   * @defaultValue false
   */
  readonly exposeErrors?: ExposeErrors
}
