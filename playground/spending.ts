import { TokenCounter } from 'chaintap/tokens'
import { prices } from './prices.ts'
import { dollars, unknown, usageText } from './words.ts'

/** The elements that show tokens and cost. */
interface Places {
  readonly tokens: HTMLElement
  readonly cost: HTMLElement
  readonly session: HTMLElement
}

/** Shows the tokens and the cost of the current question and of the session, as they grow. */
export class Spending {
  readonly #places: Places
  readonly #session = new TokenCounter({ prices })
  #current: TokenCounter | undefined

  constructor(places: Places) {
    this.#places = places
    this.#session.subscribe(() => this.#showSession())
  }

  /** Returns the counter of the next question. From then on, the previous question counts for the session only. */
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
