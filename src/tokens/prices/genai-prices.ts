import { ChaintapError } from '../../core/errors.ts'
import type { Usage } from '../../core/usage.ts'
import type { PriceBook, Priced } from './prices.ts'

export type { Price, PriceBook, Priced } from './prices.ts'

/** The part of `@pydantic/genai-prices` that is used; a type test keeps it compatible with the package. */
export interface GenaiPrices {
  /** Returns the price of a call; null for an unknown model or provider. */
  calcPrice(
    usage: Readonly<Record<string, number | undefined>>,
    model: string,
    options: { readonly providerId?: string; readonly providerApiUrl?: string; readonly timestamp?: Date },
  ): {
    readonly total_price: number
    readonly model_price: Readonly<Record<string, unknown>>
    readonly auto_update_timestamp?: string
  } | null
  /** Returns the provider with that name or URL; undefined if it is not listed. */
  findProvider(options: { readonly providerId?: string; readonly providerApiUrl?: string }): unknown
}

/** Its provider names that differ from ours. */
const GENAI_PROVIDER_IDS: Readonly<Record<string, string | undefined>> = { 'workers-ai': 'cloudflare', workersai: 'cloudflare' }

/**
 * Loads the prices of `@pydantic/genai-prices`, an optional peer dependency of 76 KB gzip: dated and tiered prices of about 1,500 models,
 * in
 * US dollars.
 *
 * - The cost of a model that it does not list is unknown, and so is that of a server that it does not list, unless the provider is known.
 * - Tokens are priced at the usual price of the model. Other charges (searches, storage) and different rates (audio, service tiers) are not
 *   included.
 *
 * @throws ChaintapError `missing_package` if the package cannot be loaded.
 *
 * @example
 * const prices = await genaiPrices()
 * const counter = new TokenCounter({ prices })
 */
export async function genaiPrices(): Promise<PriceBook> {
  try {
    return createGenaiPriceBook(await import('@pydantic/genai-prices'))
  } catch (cause) {
    throw new ChaintapError(
      'missing_package',
      'genaiPrices() could not load @pydantic/genai-prices. Run npm install @pydantic/genai-prices.',
      {
        cause,
      },
    )
  }
}

function createGenaiPriceBook(genai: GenaiPrices): PriceBook {
  return {
    price(usage, call) {
      const { model, at } = call
      if (model === undefined || usage.inputTokens === undefined || usage.outputTokens === undefined) return
      const found = tryCalculate(() =>
        genai.calcPrice(toGenaiUsage(usage, call), model, { ...genaiProviderOptions(genai, call), timestamp: new Date(at) }),
      )
      // For models without a one-hour price it would use that of five minutes.
      if (!found || (call.cacheWrite1hTokens && found.model_price.cache_write_1h_mtok === undefined)) return
      const { total_price: total, auto_update_timestamp: date } = found
      return { total, currency: 'USD', source: '@pydantic/genai-prices', ...(date !== undefined && { date }) }
    },
  }
}

/** Returns undefined if the calculation throws: figures may contradict each other, e.g. more cached tokens than input. */
function tryCalculate<Result>(calculate: () => Result): Result | undefined {
  try {
    return calculate()
  } catch {
    return undefined
  }
}

/** Identifies the provider by the URL if the package lists it, else by name. With neither, the package uses the maker of the model. */
function genaiProviderOptions(genai: GenaiPrices, { provider, url }: Priced): { providerApiUrl?: string; providerId?: string } {
  if (url !== undefined && genai.findProvider({ providerApiUrl: url })) return { providerApiUrl: url }
  return provider === undefined ? {} : { providerId: GENAI_PROVIDER_IDS[provider] ?? provider }
}

const toGenaiUsage = (usage: Usage, { cacheWrite1hTokens }: Priced): Record<string, number | undefined> => ({
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  cache_read_tokens: usage.cacheReadTokens,
  cache_write_tokens: usage.cacheWriteTokens,
  cache_write_1h_tokens: cacheWrite1hTokens,
  output_reasoning_tokens: usage.reasoningTokens,
})
