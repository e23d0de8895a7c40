import { ChaintapError } from '../../core/errors.ts'
import type { Usage } from '../../core/usage.ts'
import type { PriceBook, Priced } from './prices.ts'

export type { Price, PriceBook, Priced } from './prices.ts'

/** As much of `@pydantic/genai-prices` as is used; a type test holds it equal to the package's. */
export interface GenaiPrices {
  calcPrice(
    usage: Readonly<Record<string, number | undefined>>,
    model: string,
    options: { readonly providerId?: string; readonly providerApiUrl?: string; readonly timestamp?: Date },
  ): {
    readonly total_price: number
    readonly model_price: Readonly<Record<string, unknown>>
    readonly auto_update_timestamp?: string
  } | null
  findProvider(options: { readonly providerId?: string; readonly providerApiUrl?: string }): unknown
}

/** Its names for providers where ours are others. */
const GENAI_PROVIDER_IDS: Readonly<Record<string, string | undefined>> = { 'workers-ai': 'cloudflare', workersai: 'cloudflare' }

/**
 * The prices of `@pydantic/genai-prices`, an optional peer of 76 KB gzip that is loaded by this call: dated and tiered prices of some
 * 1,500 models, in US dollars. From then on it answers at once.
 *
 * - A model that it does not know has no price; one at a server that it does not know neither, unless the provider is known otherwise.
 * - Known are tokens, at a model's usual price: what a provider charges beside them (searches, storage), or more or less for (audio, a tier
 *   of service), is not in the price.
 *
 * @throws ChaintapError `missing_package` where it cannot be loaded.
 *
 * @example
 * const prices = await genaiPrices()
 * const counter = new TokenCounter({ prices })
 */
export async function genaiPrices(): Promise<PriceBook> {
  try {
    return createGenaiPriceBook(await import('@pydantic/genai-prices'))
  } catch (cause) {
    throw new ChaintapError('missing_package', 'genaiPrices() could not load @pydantic/genai-prices. npm install @pydantic/genai-prices', {
      cause,
    })
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
      // Of models that have no price for an hour it takes that of five minutes.
      if (!found || (call.cacheWrite1hTokens && found.model_price.cache_write_1h_mtok === undefined)) return
      const { total_price: total, auto_update_timestamp: date } = found
      return { total, currency: 'USD', source: '@pydantic/genai-prices', ...(date !== undefined && { date }) }
    },
  }
}

/** It throws where figures contradict each other, e.g. more tokens from the cache than there were. */
function tryCalculate<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** The address says best who charges; a proxy's says nothing. Of a model alone it knows the maker. */
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
