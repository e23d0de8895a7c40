import type { EventFilter } from '../../core/handler/filter.ts'
import type { RunOptions } from '../../core/options.ts'
import type { ParseRequestOptions } from '../request/parse-request.ts'
import type { ExposeErrors } from '../response/public-error.ts'
import type { Access } from './access.ts'

/** What a run may grow to; past it the run is stopped, with `BudgetExceeded` or `TimeoutError`. */
export interface DurableLimits {
  /** Default 100,000. */
  readonly events?: number
  /** Of its events as they are sent. Default 33,554,432 (32 MB). */
  readonly bytes?: number
  /** How long it may take, in ms. Default 3,600,000 (an hour). */
  readonly age?: number
}

/** Options of `durable`. */
export interface DurableOptions<Env> extends Omit<ParseRequestOptions, 'formats'> {
  /**
   * Who may start, read and stop runs. Default: anybody may start one, and only they may read and stop it: the same browser, known by a
   * cookie of the run's own, or the same `Authorization` header. The id alone opens a run only with `access: () => true`.
   */
  readonly access?: Access<Env>
  /** How long a run can be read after its end, in ms. Default 86,400,000 (a day); `Infinity` for ever. Then all of it is deleted. */
  readonly retain?: number
  readonly limits?: DurableLimits
  /** Handlers that hear every run, on the server. */
  readonly callbacks?: RunOptions['callbacks']
  /** Which events are stored and told. Default: all, prompts and what every step made of them included. */
  readonly events?: EventFilter
  /** Events are stored, and seen by readers, at most once in so many ms; the first at once. Default 100. */
  readonly commitMs?: number
  /** Pause after which waiting readers are sent a comment, in ms. Default 15,000; 0 for none. */
  readonly heartbeatMs?: number
  /** Whether callers read the messages of errors. Default false: what a message quotes may be meant for nobody else. */
  readonly exposeErrors?: ExposeErrors
}
