import type { EventOf, Run, RunEvent } from '../core/event.ts'
import type { Usage } from '../core/usage.ts'
import { costOf, type Price, type PriceBook } from '../tokens/prices/prices.ts'
import type { Segment, Style } from './paint.ts'
import { errorText, errorTexts, isStop, remember, Said, textFor } from './text.ts'

/** An open run, as far as its lines need it. */
interface Open {
  /** Its place: `1.2` is the second child of the first root. Says in every line whose it is, however runs side by side mix. */
  readonly path: string
  readonly depth: number
  readonly startedAt: number | undefined
  readonly said: Said
  children: number
  firstTokenAt: number | undefined
  /** The failure of a child, which has been shown. */
  failure?: { readonly error: unknown }
}

/**
 * Events as a tree: a line for each start, end and error, indented, with the run's place in numbers, so that runs side by side stay
 * readable; durations, what a model used and how fast it spoke, errors with their causes, and tokens on request, in whole lines.
 */
export class TreeLines {
  readonly #tokens: boolean
  readonly #prices: PriceBook | undefined
  readonly #runs = new Map<string, Open>()
  #roots = 0

  constructor({ tokens = false, prices }: { tokens?: boolean; prices?: PriceBook | undefined } = {}) {
    this.#tokens = tokens
    this.#prices = prices
  }

  /** The value that a line is about and shows the beginning of. */
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

  /** What to print for an event, if anything. */
  format(event: RunEvent): readonly Segment[] | undefined {
    const open = this.#runs.get(event.run.id) ?? this.#open(event)
    switch (event.type) {
      case 'start':
        return line(open, event.run, ['▶', 'blue'], preview(event.input, ' ← '))
      case 'token':
        open.firstTokenAt ??= event.at
        return this.#tokens ? spoken(open, open.said.add(event.token)) : undefined
      case 'end':
        return this.#end(open, event)
      case 'error':
        return this.#error(open, event)
      case 'text':
        return note(open, `text${preview(event.text, ' ')}`)
      case 'action':
        return note(open, `action ${event.action.tool}${preview(event.action.toolInput, ' ← ')}`)
      case 'finish':
        return note(open, `finish${preview(event.finish.returnValues, ' → ')}`)
      case 'retry':
        return note(open, `retry ${event.attempt} after ${inline(errorText(event.error))}`)
      case 'custom':
        return note(open, `${event.name}${preview(event.data, ' ')}`)
      default:
        return
    }
  }

  /** An unknown parent makes a root. */
  #open({ run, type, at }: RunEvent): Open {
    const parent = this.#runs.get(run.parentId ?? '')
    return remember(this.#runs, run.id, {
      path: parent ? `${parent.path}.${++parent.children}` : `${++this.#roots}`,
      depth: parent ? parent.depth + 1 : 0,
      startedAt: type === 'start' ? at : undefined,
      said: new Said(),
      children: 0,
      firstTokenAt: undefined,
    })
  }

  #end(open: Open, { run, at, output, usage, answered }: EventOf<'end'>): readonly Segment[] {
    this.#runs.delete(run.id)
    const { model } = Object(output) as { readonly model?: string }
    const cost = usage && costOf(usage, { model, ...answered, at }, this.#prices)
    const facts = figures(open, at, usage) + (cost ? ` · ${money(cost)}` : '')
    return [...this.#rest(open), ...line(open, run, ['■', 'green'], facts + preview(output, ' → '))]
  }

  #error(open: Open, { run, at, error, usage }: EventOf<'error'>): readonly Segment[] {
    this.#runs.delete(run.id)
    const parent = this.#runs.get(run.parentId ?? '')
    if (parent) parent.failure = { error }
    const style: Style = isStop(error) ? 'yellow' : 'red'
    const isTold = open.failure !== undefined && open.failure.error === error
    const [text = '', ...causes] = isTold ? ['as below it'] : errorTexts(error).map(inline)
    const beneath = causes.map((cause): Segment => ({ text: `\n${indent(open.depth + 1)}caused by ${cause}`, style }))
    return [...this.#rest(open), ...line(open, run, ['✗', style], figures(open, at, usage)), { text: ` ${text}`, style }, ...beneath]
  }

  /** What a run that ends has said and not finished the line of. */
  #rest(open: Open): readonly Segment[] {
    const rest = this.#tokens && open.said.rest !== '' ? spoken(open, open.said.rest) : undefined
    return rest ? [...rest, { text: '\n' }] : []
  }
}

const indent = (depth: number): string => '│ '.repeat(depth)

function line(open: Open, run: Run, [mark, style]: readonly [string, Style], rest: string): readonly Segment[] {
  return [
    { text: indent(open.depth), style: 'dim' },
    { text: mark, style },
    { text: ` ${open.path} `, style: 'dim' },
    { text: `${run.kind} ` },
    { text: inline(run.name), style: 'bold' },
    { text: rest },
  ]
}

const note = (open: Open, text: string): readonly Segment[] => [
  { text: `${indent(open.depth + 1)}· ${open.path} `, style: 'dim' },
  { text: inline(text) },
]

function spoken(open: Open, text: string | undefined): readonly Segment[] | undefined {
  const before = `${indent(open.depth + 1)}» ${open.path} `
  return text?.split('\n').flatMap((part, at): Segment[] => [{ text: `${at === 0 ? '' : '\n'}${before}`, style: 'dim' }, { text: part }])
}

/** On one line, so that nobody's text looks like a line of the tree. */
const inline = (text: string): string => text.replace(/\s+/g, ' ')

const PREVIEW = 120

/** The beginning of a value, on one line; nothing where it is unknown. */
function preview(value: unknown, before: string): string {
  if (value === undefined) return ''
  const text = textFor(value)
  const short = text.length > PREVIEW ? `${text.slice(0, PREVIEW)}…` : text
  return before + (typeof value === 'string' ? JSON.stringify(short) : inline(short))
}

/** ` 812 ms · 12 in · 50 out · 61/s`: what is unknown is not there. */
function figures(open: Open, at: number, usage: Usage | undefined): string {
  const ms = open.startedAt === undefined ? undefined : at - open.startedAt
  const time = ms === undefined ? [] : [ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(2)} s`]
  const facts = [...time, ...(usage ? used(usage, open.firstTokenAt === undefined ? 0 : at - open.firstTokenAt) : [])]
  return facts.length === 0 ? '' : ` ${facts.join(' · ')}`
}

/** Two figures that say something, however small it is. */
function money({ total, currency }: Price): string {
  const amount = total >= 1 || total === 0 ? total.toFixed(2) : total.toFixed(1 - Math.floor(Math.log10(total)))
  return currency === 'USD' ? `$${amount}` : `${amount} ${currency}`
}

/** `sayingMs`: from the first token to the end; 0 where it is unknown. */
function used({ inputTokens, outputTokens, source }: Usage, sayingMs: number): readonly string[] {
  const sign = source === 'estimated' ? '≈' : source === 'partial' ? '≥' : ''
  const figure = (tokens: number | undefined, word: string): string[] => (tokens === undefined ? [] : [`${sign}${tokens} ${word}`])
  const speed = outputTokens === undefined || sayingMs <= 0 ? [] : [`${sign}${Math.round((outputTokens / sayingMs) * 1_000)} tokens/s`]
  return [...figure(inputTokens, 'in'), ...figure(outputTokens, 'out'), ...speed]
}
