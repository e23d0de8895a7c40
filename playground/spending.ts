import { TokenCounter } from 'chaintap/tokens'
import { prices } from './prices.ts'
import { dollars, unknown, usageText } from './words.ts'

/** Where what was spent is shown. */
interface Places {
  readonly tokens: HTMLElement
  readonly cost: HTMLElement
  readonly session: HTMLElement
}

/** Shows what the question and the whole session use and cost, while it is being used. */
export class Spending {
  readonly #places: Places
  readonly #session = new TokenCounter({ prices })
  #current: TokenCounter | undefined

  constructor(places: Places) {
    this.#places = places
    this.#session.subscribe(() => this.#showSession())
  }

  /** The counter of the next question; what the one before still hears is in the session's figures alone. */
  question(): TokenCounter {
    const counter = new TokenCounter({ prices, parent: this.#session })
    this.#current = counter
    counter.subscribe(() => this.#show(counter))
    for (const place of [this.#places.tokens, this.#places.cost]) place.textContent = unknown
    return counter
  }

  #show(counter: TokenCounter): void {
    if (counter !== this.#current) return
    const { usage, totalCost } = counter.snapshot()
    const about = usage?.source === 'estimated' ? '≈ ' : ''
    this.#places.tokens.textContent = usage ? about + usageText(usage) : unknown
    this.#places.cost.textContent = totalCost === undefined ? unknown : about + dollars(totalCost)
  }

  #showSession(): void {
    const { totalTokens, totalCost } = this.#session.snapshot()
    const tokens = `${totalTokens?.toLocaleString('en') ?? unknown} tokens`
    this.#places.session.textContent = totalCost === undefined ? tokens : `${tokens}, ${dollars(totalCost)}`
  }
}
