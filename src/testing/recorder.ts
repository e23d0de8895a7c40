import { ChaintapError } from '../core/errors.ts'
import type { Listener, Run, RunEvent } from '../core/event.ts'

/** A handler that keeps what it hears, and can say whether it heard what it was promised. */
export interface Recorder extends Listener {
  (event: RunEvent): void
  /** Everything heard, in the order of hearing. Nothing is ever dropped. */
  readonly events: readonly RunEvent[]
  /** Runs that have started and not ended, in the order of their start. */
  readonly open: readonly Run[]
  /**
   * Holds what was heard against P1 and P4, for every run tree:
   *
   * - each run starts once and ends once, with `end` or `error`; it says nothing before and nothing after
   * - children start and end within their parents; a parent that was never heard (a handler attached in the middle) is no fault
   * - `seq` rises from event to event of a tree
   *
   * @throws {ChaintapError} `broken_tree`: every fault in words, and the {@link Recorder.trace}
   */
  check(): void
  /**
   * A line per event, for assertions about order. `<` names the parent, where it was heard.
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
 * const heard = recorder()
 * await chain.invoke({ animal: 'bears' }, { callbacks: [heard] })
 * heard.check()
 * expect(heard.trace().slice(0, 2)).toEqual(['S RunnableSequence', 'S ChatPromptTemplate<RunnableSequence'])
 */
export function recorder(): Recorder {
  const events: RunEvent[] = []
  const parts = {
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
  // Not Object.assign, which would read the getter once.
  return Object.defineProperties(record, Object.getOwnPropertyDescriptors(parts)) as typeof record & typeof parts
}

function assertNoFaults(events: readonly RunEvent[]): void {
  const { open, faults } = inspectEvents(events)
  const all = [...faults, ...open.map((run) => `${run.name} started and never ended`)]
  if (all.length > 0)
    throw new ChaintapError(
      'broken_tree',
      `A recorder heard what must not happen:\n- ${all.join('\n- ')}\nIt heard:\n${traceEvents(events).join('\n')}`,
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
    if (before !== undefined && seq <= before) addFault(`was heard out of order, after seq ${before}`)
    seqs.set(run.rootId, seq)
    const ended = endedRuns.get(run.id)
    if (ended) addFault(`was heard after its ${ended}`)
    else if (type !== 'start' && !open.has(run.id)) addFault('was heard before its start')
    if (type === 'start') {
      if (open.has(run.id)) addFault('started twice')
      if (run.parentId && endedRuns.has(run.parentId)) addFault('started after its parent had ended')
      if ([...open.values()].some(({ parentId }) => parentId === run.id)) addFault('started after a child of it')
      open.set(run.id, run)
    } else if (type === 'end' || type === 'error') {
      open.delete(run.id)
      endedRuns.set(run.id, type)
      // At a root's end also those whose parent was not heard.
      for (const left of open.values())
        if (left.parentId === run.id || left.rootId === run.id) addFault(`ended before ${left.name}, which runs below it`)
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
