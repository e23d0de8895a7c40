import { type PriceBook, priceTable } from 'chaintap/tokens'

/** Published prices are 76 KB: they are loaded beside the page, and until then no cost is known. */
function latePrices(): PriceBook {
  let book: PriceBook | undefined
  import('chaintap/genai-prices')
    .then(async ({ genaiPrices }) => {
      book = await genaiPrices()
    })
    .catch(console.warn)
  return { price: (usage, call) => book?.price(usage, call) }
}

/** The offline model's prices are made up, so that there is something to see; the page says so. */
export const prices: PriceBook = priceTable({ offline: { input: 1, output: 5 } }, { source: 'made up', otherwise: latePrices() })
