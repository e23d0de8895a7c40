import type { EventOf, Run, RunEvent } from '../core/event.ts'
import type { Usage } from '../core/usage.ts'
import { rememberRun } from '../core/util/remember-run.ts'
import { costOf, type Price, type PriceBook } from '../tokens/prices/prices.ts'
import type { StyledText, TextStyle } from './paint.ts'
import { errorText, errorTexts, formatValue, isStopError, TokenLineBuffer } from './text.ts'

/** The state of an open run. */
interface TreeRun {
  /** The run's place, e.g. `1.2` for the second child of the first root. It identifies the run in each line when runs interleave. */
  readonly path: string
  /** The number of runs above it. */
  readonly depth: number
  /** In ms since epoch; undefined if its start was not received. */
  readonly startedAt: number | undefined
  readonly tokenLines: TokenLineBuffer
  children: number
  firstTokenAt: number | undefined
  /** The error of a child, already printed. */
  failure?: { readonly error: unknown }
}

/**
 * Formats events as a tree: an indented line for each start, end and error, with the run's place in numbers, so that concurrent runs stay
 * readable. Shows durations, tokens and their rate, errors with their causes, and optionally the text of models, in whole lines.
 */
export class TreeFormatter {
  readonly #tokens: boolean
  readonly #prices: PriceBook | undefined
  readonly #runs = new Map<string, TreeRun>()
  #roots = 0

  constructor({ tokens = false, prices }: { tokens?: boolean; prices?: PriceBook | undefined } = {}) {
    this.#tokens = tokens
    this.#prices = prices
  }

  /** Returns the whole value that the line of an event shows the beginning of. */
  detail(event: RunEvent): unknown {
    switch (event.type) {
      case 'start':
        return event.input
      case 'end':
        return event.output
      case 'error':
        return event.error
      case 'action':
        return event.action
      case 'finish':
        return event.finish
      case 'custom':
        return event.data
      default:
        return
    }
  }

  /** Returns the output for an event; undefined if it prints nothing. */
  format(event: RunEvent): readonly StyledText[] | undefined {
    const open = this.#runs.get(event.run.id) ?? this.#addRun(event)
    switch (event.type) {
      case 'start':
        return formatRunLine(open, event.run, ['▶', 'blue'], previewValue(event.input, ' ← '))
      case 'token':
        open.firstTokenAt ??= event.at
        return this.#tokens ? formatTokenLines(open, open.tokenLines.add(event.token)) : undefined
      case 'end':
        return this.#end(open, event)
      case 'error':
        return this.#error(open, event)
      case 'text':
        return formatDetailLine(open, `text${previewValue(event.text, ' ')}`)
      case 'action':
        return formatDetailLine(open, `action ${event.action.tool}${previewValue(event.action.toolInput, ' ← ')}`)
      case 'finish':
        return formatDetailLine(open, `finish${previewValue(event.finish.returnValues, ' → ')}`)
      case 'retry':
        return formatDetailLine(open, `retry ${event.attempt} after ${collapseWhitespace(errorText(event.error))}`)
      case 'custom':
        return formatDetailLine(open, `${event.name}${previewValue(event.data, ' ')}`)
      default:
        return
    }
  }

  /** Adds a run; a run with an unknown parent becomes a root. */
  #addRun({ run, type, at }: RunEvent): TreeRun {
    const parent = this.#runs.get(run.parentId ?? '')
    return rememberRun(this.#runs, run.id, {
      path: parent ? `${parent.path}.${++parent.children}` : `${++this.#roots}`,
      depth: parent ? parent.depth + 1 : 0,
      startedAt: type === 'start' ? at : undefined,
      tokenLines: new TokenLineBuffer(),
      children: 0,
      firstTokenAt: undefined,
    })
  }

  #end(open: TreeRun, { run, at, output, usage, answered }: EventOf<'end'>): readonly StyledText[] {
    this.#runs.delete(run.id)
    const { model } = Object(output) as { readonly model?: string }
    const cost = usage && costOf(usage, { model, ...answered, at }, this.#prices)
    const facts = formatRunFigures(open, at, usage) + (cost ? ` · ${formatPrice(cost)}` : '')
    return [...this.#unfinishedLine(open), ...formatRunLine(open, run, ['■', 'green'], facts + previewValue(output, ' → '))]
  }

  #error(open: TreeRun, { run, at, error, usage }: EventOf<'error'>): readonly StyledText[] {
    this.#runs.delete(run.id)
    const parent = this.#runs.get(run.parentId ?? '')
    if (parent) parent.failure = { error }
    const style: TextStyle = isStopError(error) ? 'yellow' : 'red'
    const isPrinted = open.failure !== undefined && open.failure.error === error
    const [text = '', ...causes] = isPrinted ? ['(same error as its child)'] : errorTexts(error).map(collapseWhitespace)
    const causeLines = causes.map((cause): StyledText => ({ text: `\n${indent(open.depth + 1)}caused by ${cause}`, style }))
    return [
      ...this.#unfinishedLine(open),
      ...formatRunLine(open, run, ['✗', style], formatRunFigures(open, at, usage)),
      { text: ` ${text}`, style },
      ...causeLines,
    ]
  }

  /** The last, unfinished line of a run's text. */
  #unfinishedLine(open: TreeRun): readonly StyledText[] {
    const rest = this.#tokens && open.tokenLines.rest !== '' ? formatTokenLines(open, open.tokenLines.rest) : undefined
    return rest ? [...rest, { text: '\n' }] : []
  }
}

const indent = (depth: number): string => '│ '.repeat(depth)

function formatRunLine(open: TreeRun, run: Run, [mark, style]: readonly [string, TextStyle], rest: string): readonly StyledText[] {
  return [
    { text: indent(open.depth), style: 'dim' },
    { text: mark, style },
    { text: ` ${open.path} `, style: 'dim' },
    { text: `${run.kind} ` },
    { text: collapseWhitespace(run.name), style: 'bold' },
    { text: rest },
  ]
}

const formatDetailLine = (open: TreeRun, text: string): readonly StyledText[] => [
  { text: `${indent(open.depth + 1)}· ${open.path} `, style: 'dim' },
  { text: collapseWhitespace(text) },
]

function formatTokenLines(open: TreeRun, text: string | undefined): readonly StyledText[] | undefined {
  const before = `${indent(open.depth + 1)}» ${open.path} `
  return text?.split('\n').flatMap((part, at): StyledText[] => [{ text: `${at === 0 ? '' : '\n'}${before}`, style: 'dim' }, { text: part }])
}

/** Puts a text on one line, so that it cannot look like a line of the tree. */
const collapseWhitespace = (text: string): string => text.replace(/\s+/g, ' ')

const MAX_VALUE_PREVIEW_LENGTH = 120

/** The beginning of a value on one line; empty if it is undefined. */
function previewValue(value: unknown, before: string): string {
  if (value === undefined) return ''
  const text = formatValue(value)
  const short = text.length > MAX_VALUE_PREVIEW_LENGTH ? `${text.slice(0, MAX_VALUE_PREVIEW_LENGTH)}…` : text
  return before + (typeof value === 'string' ? JSON.stringify(short) : collapseWhitespace(short))
}

/** Formats e.g. ` 812 ms · 12 in · 50 out · 61 tokens/s`, without unknown figures. */
function formatRunFigures(open: TreeRun, at: number, usage: Usage | undefined): string {
  const ms = open.startedAt === undefined ? undefined : at - open.startedAt
  const time = ms === undefined ? [] : [ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(2)} s`]
  const facts = [...time, ...(usage ? formatRunUsage(usage, open.firstTokenAt === undefined ? 0 : at - open.firstTokenAt) : [])]
  return facts.length === 0 ? '' : ` ${facts.join(' · ')}`
}

/** Formats a price with two significant digits, or two decimals from 1 on. */
function formatPrice({ total, currency }: Price): string {
  const amount = total >= 1 || total === 0 ? total.toFixed(2) : total.toFixed(1 - Math.floor(Math.log10(total)))
  return currency === 'USD' ? `$${amount}` : `${amount} ${currency}`
}

/** @param generationMs the time from the first token to the end, in ms; 0 if unknown */
function formatRunUsage({ inputTokens, outputTokens, source }: Usage, generationMs: number): readonly string[] {
  const sign = source === 'estimated' ? '≈' : source === 'partial' ? '≥' : ''
  const figure = (tokens: number | undefined, word: string): string[] => (tokens === undefined ? [] : [`${sign}${tokens} ${word}`])
  const speed =
    outputTokens === undefined || generationMs <= 0 ? [] : [`${sign}${Math.round((outputTokens / generationMs) * 1_000)} tokens/s`]
  return [...figure(inputTokens, 'in'), ...figure(outputTokens, 'out'), ...speed]
}
