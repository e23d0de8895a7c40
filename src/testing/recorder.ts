import { ChaintapError } from '../core/errors.ts'
import type { Listener, Run, RunEvent } from '../core/event.ts'

/** A handler that stores the events it receives and checks that they form complete run trees. Made by {@link recorder}. */
export interface Recorder extends Listener {
  /** Stores an event. */
  (event: RunEvent): void
  /** All events, in the order in which they were received. None is ever dropped. */
  readonly events: readonly RunEvent[]
  /** Runs that have started and not ended, in the order of their start. */
  readonly open: readonly Run[]
  /**
   * Checks the events of every run tree against P1 and P4:
   *
   * - Each run starts once and ends once, with `end` or `error`. It emits no event before its start or after its end.
   * - Children start and end within their parents. A parent without any event is no fault: the handler may have been attached later.
   * - `seq` increases from event to event of a tree.
   *
   * @throws ChaintapError `broken_tree`. The message lists every fault and the {@link Recorder.trace}.
   */
  check(): void
  /**
   * Returns a line per event, for assertions about order. `<` precedes the name of the parent, if one of its events was received.
   *
   * `S name<parent` start · `E name` end · `X name` error · `T token` · `D type` delta · `C chunk` · `TXT text` · `A tool` action ·
   * `F` finish · `R attempt` retry · `! name` custom
   */
  trace(): string[]
}

/**
 * A recording handler for tests (LangChain's FakeTracer).
 *
 * @example
 * const record = recorder()
 * await prompt.pipe(scriptedModel(['Hi!'])).invoke({ animal: 'bears' }, { callbacks: [record] })
 * record.check()
 * record.trace().slice(0, 2) // ['S RunnableSequence', 'S ChatPromptTemplate<RunnableSequence']
 */
export function recorder(): Recorder {
  const events: RunEvent[] = []
  const members = {
    events,
    get open(): readonly Run[] {
      return inspectEvents(events).open
    },
    check: () => assertNoFaults(events),
    trace: () => traceEvents(events),
  }
  const record = function recorder(event: RunEvent): void {
    events.push(event)
  }
  // Not Object.assign: it would read the getter once and copy its value.
  return Object.defineProperties(record, Object.getOwnPropertyDescriptors(members)) as typeof record & typeof members
}

function assertNoFaults(events: readonly RunEvent[]): void {
  const { open, faults } = inspectEvents(events)
  const all = [...faults, ...open.map((run) => `${run.name} started but did not end`)]
  if (all.length > 0)
    throw new ChaintapError(
      'broken_tree',
      `The recorded events break the run tree:\n- ${all.join('\n- ')}\nThe events were:\n${traceEvents(events).join('\n')}`,
    )
}

function inspectEvents(events: readonly RunEvent[]): { readonly open: readonly Run[]; readonly faults: readonly string[] } {
  const faults: string[] = []
  const open = new Map<string, Run>()
  const endedRuns = new Map<string, RunEvent['type']>()
  const seqs = new Map<string, number>()
  for (const { run, type, seq } of events) {
    const addFault = (fault: string): void => void faults.push(`${run.name} ${fault} (${type}, seq ${seq})`)
    const before = seqs.get(run.rootId)
    if (before !== undefined && seq <= before) addFault(`emitted an event out of order, after seq ${before}`)
    seqs.set(run.rootId, seq)
    const ended = endedRuns.get(run.id)
    if (ended) addFault(`emitted an event after its ${ended}`)
    else if (type !== 'start' && !open.has(run.id)) addFault('emitted an event before its start')
    if (type === 'start') {
      if (open.has(run.id)) addFault('started twice')
      if (run.parentId && endedRuns.has(run.parentId)) addFault('started after its parent had ended')
      if ([...open.values()].some(({ parentId }) => parentId === run.id)) addFault('started after one of its children')
      open.set(run.id, run)
    } else if (type === 'end' || type === 'error') {
      open.delete(run.id)
      endedRuns.set(run.id, type)
      // At the end of a root also descendants whose parents had no event.
      for (const inner of open.values())
        if (inner.parentId === run.id || inner.rootId === run.id) addFault(`ended before ${inner.name}, which runs below it`)
    }
  }
  return { open: [...open.values()], faults }
}

function traceEvents(events: readonly RunEvent[]): string[] {
  const names = new Map(events.map(({ run }) => [run.id, run.name]))
  return events.map((event) => traceLine(event, names))
}

function traceLine(event: RunEvent, names: ReadonlyMap<string, string>): string {
  const { run } = event
  switch (event.type) {
    case 'start': {
      const parent = names.get(run.parentId ?? '')
      return `S ${run.name}${parent === undefined ? '' : `<${parent}`}`
    }
    case 'end':
      return `E ${run.name}`
    case 'error':
      return `X ${run.name}`
    case 'token':
      return `T ${event.token}`
    case 'delta':
      return `D ${event.delta.type}`
    case 'chunk':
      return `C ${typeof event.chunk === 'string' ? event.chunk : JSON.stringify(event.chunk)}`
    case 'text':
      return `TXT ${event.text}`
    case 'action':
      return `A ${event.action.tool}`
    case 'finish':
      return 'F'
    case 'retry':
      return `R ${event.attempt}`
    case 'custom':
      return `! ${event.name}`
  }
}
