import type { RunEvent } from '../../../core/event.ts'
import { addUsage, type Usage } from '../../../core/usage.ts'
import { durationText, kindText, plural, rateText, timeText, unknown } from '../labels.ts'
import { below, durationOf, type MessageRow, type Row, type RunRow, stateOf } from './row.ts'
import { type Block, blocksOf, valueText } from './text-blocks.ts'

/** Knows prices: a `PriceBook` of `chaintap/tokens`. */
export interface ViewerPrices {
  price(
    usage: Usage,
    call: {
      readonly model: string | undefined
      readonly url?: string | undefined
      readonly cacheWrite1hTokens?: number | undefined
      readonly at: number
    },
  ): { readonly total: number; readonly currency: string } | undefined
}

/** A part of what is known of a row. `growing`: more of its text may come. */
export interface Section {
  readonly title: string
  readonly blocks: readonly Block[]
  readonly sort?: 'error' | 'growing'
}

export interface Description {
  readonly figures: readonly (readonly [string, string])[]
  readonly sections: readonly Section[]
}

/** What is known of a row; `events` are those of the run itself, in their order. */
export function describe(row: Row, events: readonly RunEvent[], prices?: ViewerPrices): Description {
  return 'run' in row
    ? { figures: figuresOf(row, prices), sections: [...happened(row, events), ...about(row)] }
    : { figures: [], sections: saidIn(row) }
}

/** A description as a text to be copied. */
export function textOf(row: Row, { figures, sections }: Description): string {
  const title = 'run' in row ? `${kindText(row.run.kind)} ${row.run.name}` : `${row.level} ${row.record.category.join('.')}`
  const blocks = sections.flatMap(({ title, blocks }) => [
    `\n${title}`,
    ...blocks.map(({ label, text }) => (label ? `[${label}] ${text}` : text)),
  ])
  return [title, ...figures.map(([name, value]) => `${name}: ${value}`), ...blocks].join('\n')
}

function saidIn({ record: { at, level, category, message, properties } }: MessageRow): readonly Section[] {
  const extra = Object.keys(properties).length > 0 ? [section('Properties', properties)] : []
  return [section('Message', message), ...extra, section('Logged', `${level} · ${category.join('.')} · ${new Date(at).toLocaleString()}`)]
}

function figuresOf(row: RunRow, prices: ViewerPrices | undefined): readonly (readonly [string, string])[] {
  const { start, first, answered } = row
  const usage = [...below(row)].reduce<Usage | undefined>((sum, { usage }) => addUsage(sum, usage), undefined)
  const total = durationText(durationOf(row))
  const figures: (readonly [string, string])[] = [
    ['State', stateOf(row)],
    ['Started', start === undefined ? unknown : startText(start)],
    ['Duration', total],
  ]
  if (first !== undefined) figures.push(['First token', start === undefined ? unknown : durationText(first - start)])
  if (row.tokens > 0) figures.push(['Tokens', `${row.tokens} · ${rateText(row)}`])
  if (usage) figures.push(...usageFigures(usage))
  const cost = costText(row, prices)
  if (cost) figures.push(['Cost', cost])
  if (answered?.model !== undefined) figures.push(['Model', answered.model])
  return figures
}

/** A log may be years old. */
function startText(at: number): string {
  const year = new Date(at).getFullYear()
  return `${year === new Date().getFullYear() ? '' : `${year}-`}${timeText(at)}`
}

function usageFigures(usage: Usage): readonly (readonly [string, string])[] {
  const names = {
    inputTokens: 'Input',
    outputTokens: 'Output',
    cacheReadTokens: 'From cache',
    cacheWriteTokens: 'To cache',
    reasoningTokens: 'Reasoning',
  } as const
  const known = Object.entries(names).flatMap(([key, name]) => {
    const figure = usage[key as keyof typeof names]
    return figure === undefined ? [] : [[name, plural(figure, 'token')] as const]
  })
  return usage.source && usage.source !== 'provider' ? [...known, ['Counted', usage.source]] : known
}

/** What the models below a run cost; undefined where nobody knows of any. */
function costText(row: RunRow, prices: ViewerPrices | undefined): string | undefined {
  const sums = new Map<string, number>()
  let missing = 0
  for (const { usage, answered, start, to } of below(row)) {
    if (!usage) continue
    const call = { model: undefined, ...answered, at: start ?? to }
    const price = usage.cost === undefined ? prices?.price(usage, call) : { total: usage.cost, currency: 'USD' }
    if (price) sums.set(price.currency, (sums.get(price.currency) ?? 0) + price.total)
    else missing++
  }
  const texts = [...sums].map(([currency, total]) => `${total.toPrecision(3)} ${currency}`)
  if (texts.length > 0) return [...texts, ...(missing > 0 ? [`${missing} unknown`] : [])].join(' + ')
  return undefined
}

const section = (title: string, value: unknown, sort?: Section['sort']): Section => ({
  title,
  blocks: blocksOf(value),
  ...(sort && { sort }),
})

/** Of so many events sections are shown, the first and the last: a tool may tell of each step that it takes. */
const MANY = 200
const inJson = 'Too many to be shown. “Copy JSON” has all of them.'

/** What went in, what happened, and what came out. */
function happened(row: RunRow, events: readonly RunEvent[]): readonly Section[] {
  const told = events.filter(({ type }) => type !== 'token' && type !== 'delta')
  const left = told.length - MANY
  const sections = (left > 0 ? told.slice(0, MANY / 2) : told).flatMap(sectionsOf)
  if (left > 0) sections.push(section(`${left.toLocaleString()} more`, inJson), ...told.slice(-MANY / 2).flatMap(sectionsOf))
  // Who opens what has failed asks why.
  if (row.ending) return [...sections.filter(isFailure), ...sections.filter((section) => !isFailure(section))]
  const said = events.flatMap((event) => (event.type === 'token' ? [event.token] : []))
  return said.length > 0 || stateOf(row) === 'running' ? [...sections, section('Output', said.join(''), 'growing')] : sections
}

const isFailure = ({ title, sort }: Section): boolean => sort === 'error' && title === 'Error'

function sectionsOf(event: RunEvent): readonly Section[] {
  switch (event.type) {
    case 'start':
      return event.input === undefined ? [] : [section('Input', event.input)]
    case 'end':
      return [section('Output', event.output)]
    case 'error':
      return [section('Error', event.error, 'error'), ...(event.partial === undefined ? [] : [section('Until then', event.partial)])]
    case 'retry':
      return [section(`Attempt ${event.attempt} failed`, event.error, 'error')]
    case 'text':
      return [section('Text', event.text)]
    case 'action':
      return [section(`Action: ${valueText(event.action.tool)}`, event.action.toolInput), section('Thought', event.action.log)]
    case 'finish':
      return [section('Finish', event.finish.returnValues)]
    case 'custom':
      return [section(event.name, event.data)]
    default:
      return []
  }
}

/** What was known of it before. */
function about({ run }: RunRow): readonly Section[] {
  const sections: Section[] = []
  if (run.tags.length > 0) sections.push(section('Tags', run.tags.join(', ')))
  if (Object.keys(run.metadata).length > 0) sections.push(section('Metadata', run.metadata))
  return [...sections, section('Run', run.id)]
}
