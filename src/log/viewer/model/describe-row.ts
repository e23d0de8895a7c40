import type { RunEvent } from '../../../core/event.ts'
import { addUsage, type Usage } from '../../../core/usage.ts'
import { durationText, kindText, plural, rateText, timeText, UNKNOWN_TEXT } from './labels.ts'
import { type MessageRow, type Row, type RunRow, runAndDescendants, runDuration, runStateOf } from './row.ts'
import { type TextBlock, toTextBlocks, valueText } from './text-blocks.ts'

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
export interface DetailsSection {
  readonly title: string
  readonly blocks: readonly TextBlock[]
  readonly variant?: 'error' | 'growing'
}

export interface RowDescription {
  readonly figures: readonly (readonly [string, string])[]
  readonly sections: readonly DetailsSection[]
}

/** What is known of a row; `events` are those of the run itself, in their order. */
export function describeRow(row: Row, events: readonly RunEvent[], prices?: ViewerPrices): RowDescription {
  return 'run' in row
    ? { figures: runFigures(row, prices), sections: [...eventSections(row, events), ...runInfoSections(row)] }
    : { figures: [], sections: messageSections(row) }
}

/** A description as a text to be copied. */
export function descriptionToText(row: Row, { figures, sections }: RowDescription): string {
  const title = 'run' in row ? `${kindText(row.run.kind)} ${row.run.name}` : `${row.level} ${row.record.category.join('.')}`
  const blocks = sections.flatMap(({ title, blocks }) => [
    `\n${title}`,
    ...blocks.map(({ label, text }) => (label ? `[${label}] ${text}` : text)),
  ])
  return [title, ...figures.map(([name, value]) => `${name}: ${value}`), ...blocks].join('\n')
}

function messageSections({ record: { at, level, category, message, properties } }: MessageRow): readonly DetailsSection[] {
  const extra = Object.keys(properties).length > 0 ? [createDetailsSection('Properties', properties)] : []
  return [
    createDetailsSection('Message', message),
    ...extra,
    createDetailsSection('Logged', `${level} · ${category.join('.')} · ${new Date(at).toLocaleString()}`),
  ]
}

function runFigures(row: RunRow, prices: ViewerPrices | undefined): readonly (readonly [string, string])[] {
  const { start, firstTokenAt, answered } = row
  const usage = [...runAndDescendants(row)].reduce<Usage | undefined>((sum, { usage }) => addUsage(sum, usage), undefined)
  const total = durationText(runDuration(row))
  const figures: (readonly [string, string])[] = [
    ['State', runStateOf(row)],
    ['Started', start === undefined ? UNKNOWN_TEXT : startText(start)],
    ['Duration', total],
  ]
  if (firstTokenAt !== undefined) figures.push(['First token', start === undefined ? UNKNOWN_TEXT : durationText(firstTokenAt - start)])
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
  for (const { usage, answered, start, to } of runAndDescendants(row)) {
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

const createDetailsSection = (title: string, value: unknown, sort?: DetailsSection['variant']): DetailsSection => ({
  title,
  blocks: toTextBlocks(value),
  ...(sort && { variant: sort }),
})

/** Of so many events sections are shown, the first and the last: a tool may tell of each step that it takes. */
const MAX_EVENT_SECTIONS = 200
const OMITTED_EVENTS_TEXT = 'Too many to be shown. “Copy JSON” has all of them.'

/** What went in, what happened, and what came out. */
function eventSections(row: RunRow, events: readonly RunEvent[]): readonly DetailsSection[] {
  const told = events.filter(({ type }) => type !== 'token' && type !== 'delta')
  const left = told.length - MAX_EVENT_SECTIONS
  const sections = (left > 0 ? told.slice(0, MAX_EVENT_SECTIONS / 2) : told).flatMap(sectionsForEvent)
  if (left > 0)
    sections.push(
      createDetailsSection(`${left.toLocaleString()} more`, OMITTED_EVENTS_TEXT),
      ...told.slice(-MAX_EVENT_SECTIONS / 2).flatMap(sectionsForEvent),
    )
  // Who opens what has failed asks why.
  if (row.ending) return [...sections.filter(isErrorSection), ...sections.filter((section) => !isErrorSection(section))]
  const said = events.flatMap((event) => (event.type === 'token' ? [event.token] : []))
  return said.length > 0 || runStateOf(row) === 'running'
    ? [...sections, createDetailsSection('Output', said.join(''), 'growing')]
    : sections
}

const isErrorSection = ({ title, variant }: DetailsSection): boolean => variant === 'error' && title === 'Error'

function sectionsForEvent(event: RunEvent): readonly DetailsSection[] {
  switch (event.type) {
    case 'start':
      return event.input === undefined ? [] : [createDetailsSection('Input', event.input)]
    case 'end':
      return [createDetailsSection('Output', event.output)]
    case 'error':
      return [
        createDetailsSection('Error', event.error, 'error'),
        ...(event.partial === undefined ? [] : [createDetailsSection('Until then', event.partial)]),
      ]
    case 'retry':
      return [createDetailsSection(`Attempt ${event.attempt} failed`, event.error, 'error')]
    case 'text':
      return [createDetailsSection('Text', event.text)]
    case 'action':
      return [
        createDetailsSection(`Action: ${valueText(event.action.tool)}`, event.action.toolInput),
        createDetailsSection('Thought', event.action.log),
      ]
    case 'finish':
      return [createDetailsSection('Finish', event.finish.returnValues)]
    case 'custom':
      return [createDetailsSection(event.name, event.data)]
    default:
      return []
  }
}

/** What was known of it before. */
function runInfoSections({ run }: RunRow): readonly DetailsSection[] {
  const sections: DetailsSection[] = []
  if (run.tags.length > 0) sections.push(createDetailsSection('Tags', run.tags.join(', ')))
  if (Object.keys(run.metadata).length > 0) sections.push(createDetailsSection('Metadata', run.metadata))
  return [...sections, createDetailsSection('Run', run.id)]
}
