import type { Run, RunEvent } from 'chaintap'
import { type LogRecord, type LogStore, MemoryLogStore } from 'chaintap/log'
import { type ExportOptions, exportLog } from 'chaintap/log-export'
import fc from 'fast-check'
import { all, logMessage, run, toLogRecord } from '../../contracts/log-store.ts'
import { isReadRight } from '../../support/json.ts'

/** Texts with characters that formats must escape. */
const text = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '\n', '\r', '\u2028', 'é', '💡', '\ud83d', '$', '<', '&', '\x1b', '\0'),
  maxLength: 12,
})

const key = text.filter((key) => isReadRight(JSON.stringify({ [key]: 0 })))

const value: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.constantFrom(undefined, null, Number.NaN, -0, 2n ** 70n, new Date(0), new RangeError('far', { cause: new TypeError('why') })),
  fc.dictionary(key, text, { maxKeys: 3 }),
  fc.array(text, { maxLength: 3 }).map((items) => new Map(items.map((item) => [item, { item }]))),
)

/** Interleaved run trees, each with its events in order, and free records between them; times sometimes go backwards. */
export const logs: fc.Arbitrary<readonly LogRecord[]> = fc
  .array(
    fc.record({
      tree: fc.nat(2),
      what: fc.constantFrom('token', 'token', 'token', 'delta', 'custom', 'text', 'error', 'free', 'free'),
      text,
      value,
      later: fc.integer({ min: -5, max: 20 }),
      fraction: fc.constantFrom(0, 0, 0.25),
    }),
    { maxLength: 40 },
  )
  .map((steps) => {
    const trees = [0, 1, 2].map(
      (tree) =>
        [
          run(`tree-${tree}`),
          run(`model-${tree}`, { parentId: `tree-${tree}`, rootId: `tree-${tree}`, kind: 'chat_model', tags: ['"'] }),
        ] as const,
    )
    const seqs = [0, 0, 0]
    let now = 1_000
    return steps.map(({ tree, what, text, value, later, fraction }): LogRecord => {
      now += later
      const at = now + fraction
      if (what === 'free') return logMessage(text, { at, level: 'warning', category: ['app', text], properties: { value } })
      const seq = seqs[tree] ?? 0
      seqs[tree] = seq + 1
      const [chain, model] = trees[tree] as (typeof trees)[number]
      if (seq === 0) return { run: chain, at, seq, type: 'start', input: value }
      if (seq === 1) return { run: model, at, seq, type: 'start', input: [{ role: 'user', content: text }] }
      const common = { run: model, at, seq }
      if (what === 'token') return { ...common, type: 'token', token: text }
      if (what === 'delta') return { ...common, type: 'delta', delta: { type: 'reasoning', text } }
      if (what === 'custom') return { ...common, type: 'custom', name: text, data: value }
      if (what === 'text') return { ...common, type: 'text', text }
      return { run: chain, at, seq, type: 'error', error: new Error(text), partial: value }
    })
  })

export async function storeOf(records: readonly LogRecord[]): Promise<LogStore> {
  const store = new MemoryLogStore()
  await store.append(records)
  return store
}

export const exported = (store: Pick<LogStore, 'read'>, options?: ExportOptions): Promise<string> =>
  new Response(exportLog(store, options)).text()

/** The records of a log, without the fields that the log assigns. */
export const recordsIn = async (store: LogStore): Promise<readonly LogRecord[]> => (await all(store.read())).map(toLogRecord)

const agent = run('a', { name: 'AgentExecutor', kind: 'agent' })
const llm = run('m', { name: 'OpenAI', kind: 'llm', parentId: 'a', rootId: 'a' })
const tool = run('t', { name: 'Calculator', kind: 'tool', parentId: 'a', rootId: 'a' })
const event = (of: Run, seq: number, payload: object): RunEvent => ({ run: of, at: 1_000 + seq, seq, ...payload }) as unknown as RunEvent

/** An agent that uses a calculator, with free records of the program. */
export const agentLog: readonly LogRecord[] = [
  event(agent, 0, { type: 'start', input: { input: 'What is 2 raised to the 0.235 power?' } }),
  event(llm, 1, { type: 'start', input: 'Answer the question' }),
  event(llm, 2, { type: 'token', token: ' I need a calculator.' }),
  event(llm, 3, {
    type: 'end',
    output: ' I need a calculator.\nAction: Calculator\nAction Input: 2^0.235',
    usage: { inputTokens: 9, outputTokens: 5 },
  }),
  event(agent, 4, {
    type: 'action',
    action: { tool: 'Calculator', toolInput: '2^0.235', log: ' I need a calculator.\nAction: Calculator\nAction Input: 2^0.235' },
  }),
  event(tool, 5, { type: 'start', input: '2^0.235' }),
  logMessage('half <way>', { at: 1_005, level: 'warning', category: ['app', 'tools'], properties: { user: 7 } }),
  event(tool, 6, { type: 'end', output: 'Answer: 1.18' }),
  event(agent, 7, { type: 'finish', finish: { returnValues: { output: '1.18' }, log: ' I know it.\nFinal Answer: 1.18' } }),
  event(agent, 8, { type: 'end', output: { output: '1.18' } }),
  logMessage('1.18', { at: 1_010, properties: { value: { output: '1.18' } } }),
]
