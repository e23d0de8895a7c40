import { lambda, type Run, type RunEvent } from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConsoleCallbackHandler, type ConsoleOptions } from '../../src/console/index.ts'
import { paintAnsi, paintCss, paintPlain, selectPainter } from '../../src/console/paint.ts'
import { toListener } from '../../src/core/handler/handler.ts'

const chain = lambda((x: string) => x, { name: 'first' }).pipe(scriptedModel([{ tokens: ['Hel', 'lo'], usage: { outputTokens: 2 } }]))

/** What is printed of a run of the chain, times aside. */
async function printed(options: ConsoleOptions): Promise<readonly string[]> {
  const lines: string[] = []
  const handler = new ConsoleCallbackHandler({ write: (line = '') => void lines.push(line), ...options })
  await chain.stream('hi', { callbacks: [handler] }).drain()
  return lines.map((line) => line.replace(/\d+ ms.* →/, '… →'))
}

const evil = '\x1b]0;title\x07\x1b[2J\x9b31m\rred\x00\x7f %s %c %d 100%\n\tnext'

/** Everything that can be told, full of what somebody might try. */
const told = [
  { type: 'start', input: evil },
  { type: 'token', token: `${evil}\n` },
  { type: 'text', text: evil },
  { type: 'action', action: { tool: evil, toolInput: evil, log: evil } },
  { type: 'finish', finish: { returnValues: { evil }, log: evil } },
  { type: 'retry', attempt: 1, error: new Error(evil) },
  { type: 'custom', name: evil, data: { [evil]: evil } },
  { type: 'end', output: { evil } },
  { type: 'error', error: new Error(evil, { cause: evil }), partial: '' },
]

/** A terminal, or the want of one. */
const stdout = (isTTY: boolean): void => void vi.stubGlobal('process', { stdout: { isTTY } })

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('the console handler', () => {
  it('shows a real chain as a tree', async () => {
    expect(await printed({})).toEqual([
      '▶ 1 chain RunnableSequence ← "hi"',
      '│ ▶ 1.1 chain first ← "hi"',
      '│ ■ 1.1 chain first … → "hi"',
      '│ ▶ 1.2 chat_model ScriptedModel ← Human: hi',
      '│ ■ 1.2 chat_model ScriptedModel … → Hello',
      '■ 1 chain RunnableSequence … → Hello',
    ])
  })

  it('shows a real chain as a transcript', async () => {
    expect(await printed({ style: 'transcript', tokens: true })).toEqual([
      '\n\n> Entering new RunnableSequence chain...',
      '\n\n> Entering new first chain...',
      '\n> Finished chain.',
      'Hello',
      '\n> Finished chain.',
    ])
  })

  it('hears every kind of run and every type of event but deltas and chunks', () => {
    const lines: string[] = []
    const { listener } = toListener(new ConsoleCallbackHandler({ write: (line = '') => void lines.push(line) }))
    const kinds = ['chain', 'prompt', 'parser', 'llm', 'chat_model', 'tool', 'retriever', 'agent'] as const
    for (const kind of kinds) {
      const run: Run = { id: kind, parentId: undefined, rootId: kind, name: kind, kind, tags: [], metadata: {} }
      for (const happening of [{ type: 'start', input: [] }, ...told.slice(2)])
        listener({ run, at: 0, seq: 0, ...happening } as unknown as RunEvent)
    }
    expect(lines).toHaveLength(kinds.length * 8)
  })

  it('prints with console.log where nothing else is given', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await lambda((x: number) => x, { name: 'same' }).invoke(1, { callbacks: [new ConsoleCallbackHandler({ color: false })] })
    expect(log.mock.calls[0]).toEqual(['▶ 1 chain same ← 1'])
    expect(log).toHaveBeenCalledTimes(2)
  })
})

describe('colour', () => {
  it('is for terminals and browsers, unless asked otherwise', () => {
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

  it('is not for who writes elsewhere, unless asked for', async () => {
    stdout(true)
    expect((await printed({}))[0]).toBe('▶ 1 chain RunnableSequence ← "hi"')
    expect((await printed({ color: true }))[0]).toBe(
      '\x1b[36;1m\x1b[1;3m▶\x1b[0m\x1b[2m 1 \x1b[0mchain \x1b[1mRunnableSequence\x1b[0m ← "hi"',
    )
  })
})

describe('what a model says', () => {
  const left = ']0;title[2J31mred %s %c %d 100%\n\tnext'

  it('cannot forge what a terminal shows: control characters are left out, lines and tabs aside', () => {
    expect(paintPlain([{ text: evil }])).toEqual([left])
    expect(paintAnsi([{ text: evil, style: 'green' }])).toEqual([`\x1b[32;1m\x1b[1;3m${left}\x1b[0m`])
  })

  it('is never a format: in browsers it is a value of one', () => {
    expect(paintCss([{ text: evil, style: 'red' }, { text: '%c' }])).toEqual(['%c%s%c%s', 'color: #dc2626', left, '', '%c'])
  })

  it('is harmless in all its places', () => {
    const run: Run = { id: 'r', parentId: undefined, rootId: 'r', name: evil, kind: 'tool', tags: [], metadata: {} }
    const lines: string[] = []
    for (const style of ['tree', 'transcript'] as const) {
      const handler = new ConsoleCallbackHandler({ style, tokens: true, write: (...line) => void lines.push(...line) })
      for (const happening of told) handler.onEvent({ run, at: 0, seq: 0, ...happening } as unknown as RunEvent)
    }
    expect(lines.length).toBeGreaterThan(14)
    expect(lines.join('').match(/[^\P{Cc}\n\t]/gu)).toBeNull()
  })
})
