import { ChaintapError, ModelError, type Run, type RunEvent, UserStop } from 'chaintap'
import { describe, expect, it, vi } from 'vitest'
import { ConsoleCallbackHandler, type ConsoleOptions } from '../../src/console/index.ts'
import { priceTable } from '../../src/tokens/prices/prices.ts'

type Payload = Omit<RunEvent, 'run' | 'seq' | 'at'> & { at?: number } & Record<string, unknown>

const root: Run = { id: 'r', parentId: undefined, rootId: 'r', name: 'RunnableSequence', kind: 'chain', tags: [], metadata: {} }
const prompt: Run = { ...root, id: 'p', parentId: 'r', name: 'ChatPromptTemplate', kind: 'prompt' }
const model: Run = { ...root, id: 'm', parentId: 'r', name: 'ChatAnthropic', kind: 'chat_model' }
const event = (run: Run, payload: Payload): RunEvent => ({ run, at: 0, seq: 0, ...payload }) as unknown as RunEvent

/** The tree of these events, without colours. */
function tree(events: readonly RunEvent[], options: ConsoleOptions = {}): string[] {
  const lines: string[] = []
  const handler = new ConsoleCallbackHandler({ ...options, write: (line = '') => void lines.push(line) })
  for (const each of events) handler.onEvent(each)
  return lines
}

describe('the style "tree"', () => {
  it('prints a line for each start and end: place, kind, name, value, duration and tokens', () => {
    const lines = tree([
      event(root, { type: 'start', input: { animal: 'bears' } }),
      event(prompt, { type: 'start', input: { animal: 'bears' } }),
      event(prompt, {
        type: 'end',
        at: 2,
        output: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'A joke about bears' },
        ],
      }),
      event(model, { type: 'start', at: 2, input: [{ role: 'user', content: 'A joke about bears' }] }),
      event(model, { type: 'token', at: 500, token: 'Why' }),
      event(model, {
        type: 'end',
        at: 1_500,
        output: { role: 'assistant', content: 'Why\nnot?', toolCalls: [{ id: '1', name: 'f', args: {} }] },
        usage: { inputTokens: 12, outputTokens: 50, source: 'provider' },
      }),
      event(root, { type: 'end', at: 1_500, output: 'Why\nnot?' }),
    ])
    expect(lines).toEqual([
      '▶ 1 chain RunnableSequence ← {"animal":"bears"}',
      '│ ▶ 1.1 prompt ChatPromptTemplate ← {"animal":"bears"}',
      '│ ■ 1.1 prompt ChatPromptTemplate 2 ms → System: Be brief. Human: A joke about bears',
      '│ ▶ 1.2 chat_model ChatAnthropic ← Human: A joke about bears',
      '│ ■ 1.2 chat_model ChatAnthropic 1.50 s · 12 in · 50 out · 50 tokens/s → Why not?[{"id":"1","name":"f","args":{}}]',
      '■ 1 chain RunnableSequence 1.50 s → "Why\\nnot?"',
    ])
  })

  it('prints the cost of a call from `prices` or from the provider, and none if it is unknown', () => {
    const prices = priceTable({ 'model-1': { input: 5, output: 30 } })
    const ending = (usage: object, name?: string): string[] =>
      tree([event(model, { type: 'end', at: 7, usage, output: { role: 'assistant', content: 'Hi', model: name } })], { prices })
    expect(ending({ inputTokens: 12, outputTokens: 50 }, 'model-1')[0]).toContain('12 in · 50 out · $0.0016 →')
    expect(ending({ inputTokens: 12, outputTokens: 50, cost: 1.5 }, 'model-2')[0]).toContain('· $1.50 →')
    expect(ending({ inputTokens: 12, outputTokens: 50 }, 'model-2')[0]).not.toContain('$')
    expect(ending({ outputTokens: 50 }, 'model-1')[0]).not.toContain('$')
    const asText = { type: 'end', at: 7, usage: { inputTokens: 12, outputTokens: 50, cacheWriteTokens: 2 }, output: 'Hi' } as const
    expect(tree([event(model, { ...asText, answered: { model: 'model-1' } })], { prices })[0]).toContain('· $0.0016 →')
    // This table has no price for tokens cached for one hour.
    expect(tree([event(model, { ...asText, answered: { model: 'model-1', cacheWrite1hTokens: 2 } })], { prices })[0]).not.toContain('$')
  })

  it('prints a collapsed group with the whole value in a browser console, closed before the next line', () => {
    if (!('document' in globalThis)) vi.stubGlobal('document', {})
    vi.stubGlobal('process', undefined)
    const calls: unknown[][] = []
    for (const method of ['log', 'groupCollapsed', 'groupEnd'] as const) {
      vi.spyOn(console, method).mockImplementation((...given: unknown[]) => void calls.push([method, ...given]))
    }
    const handler = new ConsoleCallbackHandler()
    const input = { animal: 'bears', text: 'x'.repeat(1_000) }
    handler.onEvent(event(root, { type: 'start', input }))
    handler.onEvent(event(root, { type: 'text', text: 'no value' }))
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    expect(calls.map(([method]) => method)).toEqual(['groupCollapsed', 'log', 'groupEnd', 'log'])
    expect(calls[0]?.[1]).toMatch(/^(%c%s)+$/)
    expect(calls[1]).toEqual(['log', input])
  })

  it('omits unknown figures and marks inexact ones (P8)', () => {
    const ends = [undefined, { outputTokens: 5, source: 'partial' }, { inputTokens: 0, outputTokens: 5, source: 'estimated' }] as const
    const lines = ends.flatMap((usage) =>
      tree([event(model, { type: 'start', input: undefined }), event(model, { type: 'end', at: 7, ...(usage && { usage }) })]).slice(1),
    )
    expect(lines).toEqual([
      '■ 1 chat_model ChatAnthropic 7 ms',
      '■ 1 chat_model ChatAnthropic 7 ms · ≥5 out',
      '■ 1 chat_model ChatAnthropic 7 ms · ≈0 in · ≈5 out',
    ])
  })

  it('identifies concurrent runs by their places', () => {
    const [other, twin] = [
      { ...root, id: 's' },
      { ...model, id: 'n' },
    ]
    const lines = tree([
      event(root, { type: 'start', input: 1 }),
      event(other, { type: 'start', input: 2 }),
      event(model, { type: 'start', input: 'a' }),
      event(twin, { type: 'start', input: 'b' }),
      event(twin, { type: 'end', output: 'B' }),
      event(model, { type: 'end', output: 'A' }),
      event(other, { type: 'end', output: 4 }),
    ])
    expect(lines.map((line) => line.replace(/ (chain|chat_model) \w+/, ''))).toEqual([
      '▶ 1 ← 1',
      '▶ 2 ← 2',
      '│ ▶ 1.1 ← "a"',
      '│ ▶ 1.2 ← "b"',
      '│ ■ 1.2 0 ms → "B"',
      '│ ■ 1.1 0 ms → "A"',
      '■ 2 0 ms → 4',
    ])
  })

  it('prints an error once with its causes, and refers to it in the parent run', () => {
    const error = new ModelError('http', 'Overloaded', { status: 529, cause: new TypeError('fetch\nfailed', { cause: 'thrown text' }) })
    const lines = tree([
      event(root, { type: 'start', input: 1 }),
      event(model, { type: 'start', input: 'a' }),
      event(model, { type: 'error', at: 3, error, partial: undefined }),
      event(root, { type: 'error', at: 4, error, partial: undefined }),
    ])
    expect(lines.slice(2)).toEqual([
      '│ ✗ 1.1 chat_model ChatAnthropic 3 ms ModelError: Overloaded (http 529)\n│ │ caused by TypeError: fetch failed\n│ │ caused by thrown text',
      '✗ 1 chain RunnableSequence 4 ms (same error as its child)',
    ])
  })

  it('prints at most 8 errors of a circular chain of causes', () => {
    const error: Error = new Error('round')
    error.cause = error
    expect(tree([event(root, { type: 'error', error, partial: undefined })])[0]?.split('\n')).toHaveLength(8)
  })

  it('prints texts, actions, finishes, retries and custom events', () => {
    const lines = tree([
      event(root, { type: 'start', input: 1 }),
      event(root, { type: 'text', text: 'Prompt:\nHi' }),
      event(root, { type: 'action', action: { tool: 'Calculator', toolInput: { a: 1 }, log: '…' } }),
      event(root, { type: 'finish', finish: { returnValues: { output: 4 }, log: '…' } }),
      event(root, { type: 'retry', attempt: 2, error: new ChaintapError('network', 'gone') }),
      event(root, { type: 'custom', name: 'progress', data: { done: 0.5 } }),
    ])
    expect(lines.slice(1)).toEqual([
      '│ · 1 text "Prompt:\\nHi"',
      '│ · 1 action Calculator ← {"a":1}',
      '│ · 1 finish → {"output":4}',
      '│ · 1 retry 2 after ChaintapError: gone (network)',
      '│ · 1 progress {"done":0.5}',
    ])
  })

  it('prints tokens with `tokens: true` in whole lines, and the rest at the end', () => {
    const tokens = ['Roses', ' are\nred', '\n\nvio', 'lets'].map((token) => event(model, { type: 'token', token }))
    const events = [
      event(model, { type: 'start', input: undefined }),
      ...tokens,
      event(model, { type: 'error', error: new UserStop(), partial: '' }),
    ]
    expect(tree(events).length).toBe(2)
    expect(tree(events, { tokens: true }).slice(1)).toEqual([
      '│ » 1 Roses are',
      '│ » 1 red\n│ » 1 ',
      '│ » 1 violets\n✗ 1 chat_model ChatAnthropic 0 ms UserStop: Stopped by the user. (user_stop)',
    ])
    expect(tree([event(model, { type: 'token', token: 'x'.repeat(501) })], { tokens: true })).toEqual([`│ » 1 ${'x'.repeat(501)}`])
  })

  it('prints a run with an unknown parent as a root, and no duration without a start', () => {
    expect(tree([event(model, { type: 'end', output: 'x' })])).toEqual(['■ 1 chat_model ChatAnthropic → "x"'])
  })

  it('prints text with newlines on one line', () => {
    const fake = '\n■ 1 chain fake'
    const lines = tree([
      event({ ...root, name: `n${fake}` }, { type: 'start', input: { text: fake } }),
      event(root, { type: 'custom', name: `c${fake}`, data: fake }),
      event(root, { type: 'error', error: new Error(`e${fake}`), partial: undefined }),
    ])
    expect(lines.join('\n').split('\n')).toHaveLength(3)
  })

  it('prints the first 120 characters of a long value', () => {
    const [start = ''] = tree([event(root, { type: 'start', input: 'long '.repeat(100_000) })])
    expect(start).toHaveLength('▶ 1 chain RunnableSequence ← '.length + 123)
  })
})
