import { ChaintapError } from '../../core/errors.ts'
import type { Usage } from '../../core/usage.ts'

/** The cost of a call, and its source. */
export interface Price {
  /** The amount in `currency`. */
  readonly total: number
  /** ISO 4217, e.g. `USD`. */
  readonly currency: string
  /** The source of the price: the name of a price list, or of the provider if it reported the cost itself. */
  readonly source: string
  /** When the price list was published, if that is known. */
  readonly date?: string
}

/** The call to be priced. Unknown fields are undefined. */
export interface Priced {
  /** The provider's name, e.g. `openai`. */
  readonly provider?: string | undefined
  /** The model's name in the answer. */
  readonly model: string | undefined
  /** The URL of the request, without query. */
  readonly url?: string | undefined
  /** The part of the usage's `cacheWriteTokens` that Anthropic caches for one hour. */
  readonly cacheWrite1hTokens?: number | undefined
  /** When the call began, in ms since epoch: prices change. */
  readonly at: number
}

/**
 * Computes the cost of calls: `genaiPrices()` of `chaintap/genai-prices`, a {@link priceTable}, or your own object.
 *
 * @example
 * const book: PriceBook = {
 *   price: ({ outputTokens }) => outputTokens === undefined ? undefined : { total: outputTokens / 1e6, currency: 'USD', source: 'my list'
 * },
 * }
 */
export interface PriceBook {
  /** Returns the cost of a call, synchronously; undefined if it is unknown. */
  price(usage: Usage, call: Priced): Price | undefined
}

/** The prices of a model, per million tokens. */
export interface ModelPrice {
  /** Input tokens. */
  readonly input: number
  /** Output tokens, including reasoning. */
  readonly output: number
  /**
   * Input tokens read from a cache.
   *
   * @defaultValue `input`
   */
  readonly cacheRead?: number
  /**
   * Input tokens written to a cache.
   *
   * @defaultValue `input`
   */
  readonly cacheWrite?: number
  /** Input tokens written to Anthropic's cache for one hour. Without this price, the cost of a call with such tokens is unknown. */
  readonly cacheWrite1h?: number
}

/** Options of {@link priceTable}. */
export interface TableOptions {
  /**
   * The currency of the prices, ISO 4217.
   *
   * @defaultValue `USD`
   */
  readonly currency?: string
  /**
   * The name of the price list, `source` of the costs.
   *
   * @defaultValue `price table`
   */
  readonly source?: string
  /** When the prices were published, `date` of the costs. */
  readonly date?: string
  /** A price book for models that are not in the table. */
  readonly otherwise?: PriceBook
}

/**
 * Returns a price book with your own prices.
 *
 * @param models - Prices by the model's name in the answer, which must match exactly.
 * @throws ChaintapError `invalid_options` for a price that is not a number, or below 0.
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
      throw new ChaintapError('invalid_options', `priceTable: the prices of ${model} must be numbers of 0 or more, per million tokens.`)
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
  // The figures contradict each other: more cached tokens than input, or more one-hour tokens than written ones.
  if (fresh < 0 || hourTokens > written) return
  const cached = read * cacheRead + (written - hourTokens) * cacheWrite + hourTokens * (cacheWrite1h ?? 0)
  return (fresh * input + cached + outputTokens * output) / 1e6
}

/** Returns the cost of a call: as the provider reported it, else from the price book; undefined if it is unknown. */
export function costOf(usage: Usage, call: Priced, book: PriceBook | undefined): Price | undefined {
  if (usage.cost !== undefined) return { total: usage.cost, currency: 'USD', source: call.provider ?? 'provider' }
  return book?.price(usage, call)
}

/** The cost of several calls. */
export interface Cost {
  /** Undefined if the cost of a call is unknown, or if there are several currencies; 0 if there was no call. */
  readonly total: number | undefined
  /** The currency of all parts; undefined if there are none, or several currencies. */
  readonly currency: string | undefined
  /** The number of calls whose cost is unknown. */
  readonly unknown: number
  /** The known costs, summed by source, date and currency. */
  readonly parts: readonly Price[]
}

export const noCost: Cost = { total: 0, currency: undefined, unknown: 0, parts: [] }

/** Adds the cost of one more call. */
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
