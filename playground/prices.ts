import { type PriceBook, priceTable } from 'chaintap/tokens'

/** Published prices are 76 KB. They are loaded in the background; until then costs are unknown. */
function lazyPrices(): PriceBook {
  let book: PriceBook | undefined
  import('chaintap/genai-prices')
    .then(async ({ genaiPrices }) => {
      book = await genaiPrices()
    })
    .catch(console.warn)
  return { price: (usage, call) => book?.price(usage, call) }
}

/** The offline model's prices are invented, so that the page has a cost to show. The page says so. */
export const prices: PriceBook = priceTable({ offline: { input: 1, output: 5 } }, { source: 'invented', otherwise: lazyPrices() })
