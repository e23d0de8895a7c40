import { ChaintapError } from '../../core/errors.ts'
import type { Usage } from '../../core/usage.ts'

/** What something cost, and who says so. */
export interface Price {
  readonly total: number
  /** ISO 4217, e.g. `USD`. */
  readonly currency: string
  /** Whose prices these are: the provider's name where it said the cost itself. */
  readonly source: string
  /** When those prices were published, as far as that is known. */
  readonly date?: string
}

/** Which call is to be priced. What is not known is undefined. */
export interface Priced {
  readonly provider?: string | undefined
  /** As the provider names it. */
  readonly model: string | undefined
  /** Where the request went, without query. */
  readonly url?: string | undefined
  /** Of the usage's `cacheWriteTokens`, those that Anthropic's cache keeps for an hour. */
  readonly cacheWrite1hTokens?: number | undefined
  /** When, in ms since epoch: prices change. */
  readonly at: number
}

/**
 * Knows prices: `genaiPrices()` of `chaintap/genai-prices`, a {@link priceTable}, or an object of your own. It answers at once;
 * undefined where it does not know, which is not 0.
 */
export interface PriceBook {
  price(usage: Usage, call: Priced): Price | undefined
}

/** Per million tokens. */
export interface ModelPrice {
  readonly input: number
  /** Reasoning too. */
  readonly output: number
  /** Of input that was read from a cache. Default: as `input`. */
  readonly cacheRead?: number
  /** Of input that was written to a cache. Default: as `input`. */
  readonly cacheWrite?: number
  /** Of input that was written to Anthropic's cache for an hour. Without it a call that has such input has no price. */
  readonly cacheWrite1h?: number
}

/** Where the prices of a {@link priceTable} come from. */
export interface TableOptions {
  /** Default `USD`. */
  readonly currency?: string
  /** Default `price table`. */
  readonly source?: string
  readonly date?: string
  /** Asked for the models that the table does not have. */
  readonly otherwise?: PriceBook
}

/**
 * Prices of your own, by the model's name as the provider answers it.
 *
 * @throws ChaintapError `invalid_options` for a price that is no number, or below 0.
 *
 * @example
 * const prices = priceTable({ 'gpt-5.5-2026-04-23': { input: 5, output: 30, cacheRead: 0.5 } }, { date: '2026-11-01' })
 * const counter = new TokenCounter({ prices })
 */
export function priceTable(models: Readonly<Record<string, ModelPrice>>, options: TableOptions = {}): PriceBook {
  const { currency = 'USD', source = 'price table', date, otherwise } = options
  const table = new Map(Object.entries(models))
  for (const [model, price] of table) {
    const { input, output, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0 } = price
    if (!(Math.min(input, output, cacheRead, cacheWrite, cacheWrite1h) >= 0))
      throw new ChaintapError('invalid_options', `The prices of ${model} must be 0 or more, per million tokens.`)
  }
  return {
    price(usage, call) {
      const price = table.get(call.model ?? '')
      if (!price) return otherwise?.price(usage, call)
      const total = computePrice(price, usage, call.cacheWrite1hTokens)
      return total === undefined ? undefined : { total, currency, source, ...(date !== undefined && { date }) }
    },
  }
}

function computePrice(price: ModelPrice, usage: Usage, hourTokens = 0): number | undefined {
  const { input, output, cacheRead = input, cacheWrite = input, cacheWrite1h } = price
  const { inputTokens, outputTokens, cacheReadTokens: read = 0, cacheWriteTokens: written = 0 } = usage
  if (inputTokens === undefined || outputTokens === undefined || (hourTokens > 0 && cacheWrite1h === undefined)) return
  const fresh = inputTokens - read - written
  // More from the cache, or to it, than there was: whatever is wrong, it is no price.
  if (fresh < 0 || hourTokens > written) return
  const cached = read * cacheRead + (written - hourTokens) * cacheWrite + hourTokens * (cacheWrite1h ?? 0)
  return (fresh * input + cached + outputTokens * output) / 1e6
}

/** What a call cost: what the provider says itself, else what the book says; undefined where nobody knows. */
export function costOf(usage: Usage, call: Priced, book: PriceBook | undefined): Price | undefined {
  if (usage.cost !== undefined) return { total: usage.cost, currency: 'USD', source: call.provider ?? 'provider' }
  return book?.price(usage, call)
}

/** What several calls cost. */
export interface Cost {
  /** Undefined where the cost of one of them is unknown, or where they are in several currencies; 0 where there was no call. */
  readonly total: number | undefined
  /** Undefined where nothing has a cost, or where there are several. */
  readonly currency: string | undefined
  /** Of how many calls the cost is unknown. */
  readonly unknown: number
  /** What is known, by source. */
  readonly parts: readonly Price[]
}

export const noCost: Cost = { total: 0, currency: undefined, unknown: 0, parts: [] }

/** Adds what one more call cost. */
export function addCost({ unknown, parts }: Cost, price: Price | undefined): Cost {
  const isSame = (a: Price, b: Price): boolean => a.source === b.source && a.date === b.date && a.currency === b.currency
  const known = price && parts.find((part) => isSame(part, price))
  const others = parts.filter((part) => part !== known)
  return combineCosts(price ? [...others, { ...price, total: price.total + (known?.total ?? 0) }] : parts, price ? unknown : unknown + 1)
}

function combineCosts(parts: readonly Price[], unknown: number): Cost {
  const currencies = new Set(parts.map(({ currency }) => currency))
  const isKnown = unknown === 0 && currencies.size < 2
  return {
    total: isKnown ? parts.reduce((sum, { total }) => sum + total, 0) : undefined,
    currency: currencies.size === 1 ? parts[0]?.currency : undefined,
    unknown,
    parts,
  }
}
