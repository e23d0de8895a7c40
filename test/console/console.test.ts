import { lambda, type Run, type RunEvent } from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConsoleCallbackHandler, type ConsoleOptions } from '../../src/console/index.ts'
import { paintAnsi, paintCss, paintPlain, selectPainter } from '../../src/console/paint.ts'
import { toListener } from '../../src/core/handler/handler.ts'

const chain = lambda((x: string) => x, { name: 'first' }).pipe(scriptedModel([{ tokens: ['Hel', 'lo'], usage: { outputTokens: 2 } }]))

/** The lines printed for a run of the chain, without durations. */
async function printed(options: ConsoleOptions): Promise<readonly string[]> {
  const lines: string[] = []
  const handler = new ConsoleCallbackHandler({ write: (line = '') => void lines.push(line), ...options })
  await chain.stream('hi', { callbacks: [handler] }).drain()
  return lines.map((line) => line.replace(/\d+ ms.* →/, '… →'))
}

const hostile = '\x1b]0;title\x07\x1b[2J\x9b31m\rred\x00\x7f %s %c %d 100%\n\tnext'

/** Payloads of every event type, with hostile text in all fields. */
const hostilePayloads = [
  { type: 'start', input: hostile },
  { type: 'token', token: `${hostile}\n` },
  { type: 'text', text: hostile },
  { type: 'action', action: { tool: hostile, toolInput: hostile, log: hostile } },
  { type: 'finish', finish: { returnValues: { hostile }, log: hostile } },
  { type: 'retry', attempt: 1, error: new Error(hostile) },
  { type: 'custom', name: hostile, data: { [hostile]: hostile } },
  { type: 'end', output: { hostile } },
  { type: 'error', error: new Error(hostile, { cause: hostile }), partial: '' },
]

/** Simulates a stdout that is a terminal, or is none. */
const stdout = (isTTY: boolean): void => void vi.stubGlobal('process', { stdout: { isTTY } })

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('ConsoleCallbackHandler', () => {
  it('prints a chain as a tree by default', async () => {
    expect(await printed({})).toEqual([
      '▶ 1 chain RunnableSequence ← "hi"',
      '│ ▶ 1.1 chain first ← "hi"',
      '│ ■ 1.1 chain first … → "hi"',
      '│ ▶ 1.2 chat_model ScriptedModel ← Human: hi',
      '│ ■ 1.2 chat_model ScriptedModel … → Hello',
      '■ 1 chain RunnableSequence … → Hello',
    ])
  })

  it('prints a chain as a transcript with `style: "transcript"`', async () => {
    expect(await printed({ style: 'transcript', tokens: true })).toEqual([
      '\n\n> Entering new RunnableSequence chain...',
      '\n\n> Entering new first chain...',
      '\n> Finished chain.',
      'Hello',
      '\n> Finished chain.',
    ])
  })

  it('prints every kind of run and every type of event except deltas and chunks', () => {
    const lines: string[] = []
    const { listener } = toListener(new ConsoleCallbackHandler({ write: (line = '') => void lines.push(line) }))
    const kinds = ['chain', 'prompt', 'parser', 'llm', 'chat_model', 'tool', 'retriever', 'agent'] as const
    for (const kind of kinds) {
      const run: Run = { id: kind, parentId: undefined, rootId: kind, name: kind, kind, tags: [], metadata: {} }
      for (const payload of [{ type: 'start', input: [] }, ...hostilePayloads.slice(2)])
        listener({ run, at: 0, seq: 0, ...payload } as unknown as RunEvent)
    }
    expect(lines).toHaveLength(kinds.length * 8)
  })

  it('prints with console.log without `write`', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await lambda((x: number) => x, { name: 'same' }).invoke(1, { callbacks: [new ConsoleCallbackHandler({ color: false })] })
    expect(log.mock.calls[0]).toEqual(['▶ 1 chain same ← 1'])
    expect(log).toHaveBeenCalledTimes(2)
  })
})

describe('selectPainter() and `color`', () => {
  it('colours are on in terminals and browsers unless `color` is set', () => {
    stdout(true)
    expect([undefined, true, false].map(selectPainter)).toEqual([paintAnsi, paintAnsi, paintPlain])
    stdout(false)
    const isPage = 'document' in globalThis
    expect([undefined, true, false].map(selectPainter)).toEqual(
      isPage ? [paintCss, paintCss, paintPlain] : [paintPlain, paintAnsi, paintPlain],
    )
    vi.stubGlobal('process', undefined)
    vi.stubGlobal('importScripts', () => {})
    expect(selectPainter(undefined)).toBe(paintCss)
  })

  it('colours are off with `write` unless `color` is true', async () => {
    stdout(true)
    expect((await printed({}))[0]).toBe('▶ 1 chain RunnableSequence ← "hi"')
    expect((await printed({ color: true }))[0]).toBe(
      '\x1b[36;1m\x1b[1;3m▶\x1b[0m\x1b[2m 1 \x1b[0mchain \x1b[1mRunnableSequence\x1b[0m ← "hi"',
    )
  })
})

describe('untrusted text', () => {
  const left = ']0;title[2J31mred %s %c %d 100%\n\tnext'

  it('painters remove control characters except newlines and tabs', () => {
    expect(paintPlain([{ text: hostile }])).toEqual([left])
    expect(paintAnsi([{ text: hostile, style: 'green' }])).toEqual([`\x1b[32;1m\x1b[1;3m${left}\x1b[0m`])
  })

  it('paintCss() passes text as an argument, never in the format string', () => {
    expect(paintCss([{ text: hostile, style: 'red' }, { text: '%c' }])).toEqual(['%c%s%c%s', 'color: #dc2626', left, '', '%c'])
  })

  it('the handler prints no control characters from any field of any event', () => {
    const run: Run = { id: 'r', parentId: undefined, rootId: 'r', name: hostile, kind: 'tool', tags: [], metadata: {} }
    const lines: string[] = []
    for (const style of ['tree', 'transcript'] as const) {
      const handler = new ConsoleCallbackHandler({ style, tokens: true, write: (...line) => void lines.push(...line) })
      for (const payload of hostilePayloads) handler.onEvent({ run, at: 0, seq: 0, ...payload } as unknown as RunEvent)
    }
    expect(lines.length).toBeGreaterThan(14)
    expect(lines.join('').match(/[^\P{Cc}\n\t]/gu)).toBeNull()
  })
})
