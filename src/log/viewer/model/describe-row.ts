import type { RunEvent } from '../../../core/event.ts'
import { addUsage, type Usage } from '../../../core/usage.ts'
import { durationText, kindText, plural, rateText, timeText, UNKNOWN_TEXT } from './labels.ts'
import { type MessageRow, type Row, type RunRow, runAndDescendants, runDuration, runStateOf } from './row.ts'
import { type TextBlock, toTextBlocks, valueText } from './text-blocks.ts'

/** Looks up prices: a `PriceBook` of `chaintap/tokens` is one. */
export interface ViewerPrices {
  /** Returns the cost of a model call; `undefined` if the price is unknown. */
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

/** A section of the details of a row. `growing`: its text may become longer. */
export interface DetailsSection {
  readonly title: string
  readonly blocks: readonly TextBlock[]
  readonly variant?: 'error' | 'growing'
}

/** The content of the details of a row: named figures, and sections. */
export interface RowDescription {
  readonly figures: readonly (readonly [string, string])[]
  readonly sections: readonly DetailsSection[]
}

/** Describes a row. `events`: the events of the run itself, in their order. */
export function describeRow(row: Row, events: readonly RunEvent[], prices?: ViewerPrices): RowDescription {
  return 'run' in row
    ? { figures: runFigures(row, prices), sections: [...eventSections(row, events), ...runInfoSections(row)] }
    : { figures: [], sections: messageSections(row) }
}

/** Converts a description to text for the clipboard. */
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

/** Includes the year if it is not the current one. */
function startText(at: number): string {
  const year = new Date(at).getFullYear()
  return `${year === new Date().getFullYear() ? '' : `${year}-`}${timeText(at)}`
}

function usageFigures(usage: Usage): readonly (readonly [string, string])[] {
  const names = {
    inputTokens: 'Input',
    outputTokens: 'Output',
    cacheReadTokens: 'Cache read',
    cacheWriteTokens: 'Cache write',
    reasoningTokens: 'Reasoning',
  } as const
  const known = Object.entries(names).flatMap(([key, name]) => {
    const figure = usage[key as keyof typeof names]
    return figure === undefined ? [] : [[name, plural(figure, 'token')] as const]
  })
  return usage.source && usage.source !== 'provider' ? [...known, ['Usage source', usage.source]] : known
}

/** The cost of the model runs below a run; `undefined` if no cost is known. */
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

const createDetailsSection = (title: string, value: unknown, variant?: DetailsSection['variant']): DetailsSection => ({
  title,
  blocks: toTextBlocks(value),
  ...(variant && { variant }),
})

/** Maximum number of displayed events, the first and the last ones: a tool may emit an event for each step. */
const MAX_EVENT_SECTIONS = 200
const OMITTED_EVENTS_TEXT = 'Not displayed. “Copy JSON” includes all events.'

/** The sections of a run's events: input, steps, output. */
function eventSections(row: RunRow, events: readonly RunEvent[]): readonly DetailsSection[] {
  const shown = events.filter(({ type }) => type !== 'token' && type !== 'delta')
  const omitted = shown.length - MAX_EVENT_SECTIONS
  const sections = (omitted > 0 ? shown.slice(0, MAX_EVENT_SECTIONS / 2) : shown).flatMap(sectionsForEvent)
  if (omitted > 0)
    sections.push(
      createDetailsSection(`${omitted.toLocaleString()} more events`, OMITTED_EVENTS_TEXT),
      ...shown.slice(-MAX_EVENT_SECTIONS / 2).flatMap(sectionsForEvent),
    )
  // Errors first: they are why the details of a failed run are opened.
  if (row.ending) return [...sections.filter(isErrorSection), ...sections.filter((section) => !isErrorSection(section))]
  const tokens = events.flatMap((event) => (event.type === 'token' ? [event.token] : []))
  return tokens.length > 0 || runStateOf(row) === 'running'
    ? [...sections, createDetailsSection('Output', tokens.join(''), 'growing')]
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
        ...(event.partial === undefined ? [] : [createDetailsSection('Partial output', event.partial)]),
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

/** The sections of a run's tags, metadata and id. */
function runInfoSections({ run }: RunRow): readonly DetailsSection[] {
  const sections: DetailsSection[] = []
  if (run.tags.length > 0) sections.push(createDetailsSection('Tags', run.tags.join(', ')))
  if (Object.keys(run.metadata).length > 0) sections.push(createDetailsSection('Metadata', run.metadata))
  return [...sections, createDetailsSection('Run', run.id)]
}
