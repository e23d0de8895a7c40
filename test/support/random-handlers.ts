import type { Handler, Run, RunEvent } from 'chaintap'
import fc from 'fast-check'
import { microtasks } from './random-models.ts'
import { turn } from './sources.ts'

/** How a handler delays an event: not at all, by microtasks, or by ms. */
type Delay = { readonly microtasks: number } | { readonly ms: number } | undefined

/** A random handler: its form, its delays in turn, and where it raises. */
export interface HandlerSpec {
  readonly form: 'function' | 'methods' | 'transform' | 'writable'
  readonly delays: readonly Delay[]
  readonly raisesAt: number | undefined
  readonly raiseError: boolean
  /** Whether it raises after its delay. */
  readonly rejects: boolean
}

/** Undefined in three of four cases: a chain that something always stops never gets far. */
export const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })

const delay = fc.oneof(
  fc.constant(undefined),
  fc.record({ microtasks: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ ms: fc.integer({ min: 0, max: 2 }) }),
)

/** Random handlers. */
export const handlerSpec: fc.Arbitrary<HandlerSpec> = fc.record({
  form: fc.constantFrom('function', 'function', 'methods', 'transform', 'writable'),
  delays: fc.array(delay, { minLength: 1, maxLength: 4 }),
  raisesAt: seldom(fc.nat(12)),
  raiseError: fc.boolean(),
  rejects: fc.boolean(),
})

/** A handler that checks what it receives. */
export interface CheckedHandler {
  readonly handler: Handler
  /** What the handler received out of order, and the runs whose end it did not receive. */
  faults(): readonly string[]
}

/** Makes the handler of a spec. */
export function checkedHandler({ form, delays, raisesAt, raiseError, rejects }: HandlerSpec): CheckedHandler {
  const order = new OrderCheck()
  let count = 0
  const isStream = form === 'transform' || form === 'writable'
  const receive = (event: RunEvent): Promise<void> | undefined => {
    const index = count++
    const delayed = wait(delays[index % delays.length])
    order.receive(event)
    const raises = index === raisesAt
    if (!delayed || (raises && !rejects)) {
      order.done(event)
      if (raises) throw new Error('raised')
      return undefined
    }
    return delayed.then(() => {
      order.done(event)
      if (raises) throw new Error('raised')
    })
  }
  // A stream that failed receives nothing more.
  const isBroken = (): boolean => isStream && raisesAt !== undefined && count > raisesAt
  return {
    handler: Object.assign(toForm(form, receive), { raiseError }),
    faults: () => [...order.faults, ...(isBroken() ? [] : order.open())],
  }
}

function toForm(form: HandlerSpec['form'], receive: (event: RunEvent) => Promise<void> | undefined): Handler {
  if (form === 'function') return (event) => receive(event)
  if (form === 'methods') return { onEvent: (event) => receive(event) }
  if (form === 'writable') return new WritableStream({ write: receive })
  return new TransformStream<RunEvent, RunEvent>({ transform: receive })
}

function wait(how: Delay): Promise<void> | undefined {
  if (!how) return undefined
  return 'ms' in how ? turn(how.ms) : microtasks(how.microtasks)
}

/** Checks what every handler may rely on, however slow: events of a run in order and one at a time, ends once, children before parents. */
class OrderCheck {
  readonly faults: string[] = []
  readonly #open = new Map<string, Run>()
  readonly #seen = new Map<string, number>()
  readonly #busy = new Map<string, Run>()

  receive(event: RunEvent): void {
    const { run, type, seq } = event
    const fault = (what: string): void => void this.faults.push(`${type} of ${run.name} (seq ${seq}) ${what}`)
    if (this.#busy.has(run.id)) fault('before the handler had processed the event before it')
    this.#busy.set(run.id, run)
    if (seq <= (this.#seen.get(run.id) ?? -1)) fault('after a later event of the run')
    if (type === 'start' && this.#seen.has(run.id)) fault('after another event of the run')
    if (type !== 'start' && !this.#open.has(run.id)) fault('while the run was not open')
    this.#seen.set(run.id, seq)
    if (type === 'start') {
      const parent = this.#open.get(run.parentId ?? '')
      if (run.parentId !== undefined && !parent) fault('while its parent was not open')
      if (parent && /Retry|Fallbacks/.test(parent.name)) this.#checkChildren(parent, run, fault)
      this.#open.set(run.id, run)
    }
    if (type !== 'end' && type !== 'error') return
    this.#open.delete(run.id)
    this.#checkChildren(run, undefined, fault)
  }

  /** Nothing is to come of the runs below `parent`, except of its new child. */
  #checkChildren(parent: Run, started: Run | undefined, fault: (what: string) => void): void {
    for (const child of this.#open.values()) if (child.parentId === parent.id) fault(`before the end of ${child.name}`)
    for (const child of this.#busy.values())
      if (child.parentId === parent.id && child.id !== started?.id) fault(`while the handler was busy with ${child.name}`)
  }

  done({ run }: RunEvent): void {
    this.#busy.delete(run.id)
  }

  open(): readonly string[] {
    return [...this.#open.values()].map(({ name }) => `${name} did not end`)
  }
}
