import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import type { FeedListener } from './feed.ts'
import type { TextSearch } from './text-search.ts'

/** The search that is going on. What searches is loaded when somebody first looks for something. */
export class LogSearch {
  text = ''
  #search: TextSearch | undefined

  /** Ids of the runs and free records with the text; undefined where none is looked for. */
  get found(): ReadonlySet<string> | undefined {
    return this.#search?.found
  }

  get isSearching(): boolean {
    return this.text !== '' && this.#search?.isOver !== true
  }

  /** Looks for a text, and no longer for the last one. `found`: there is something to be shown. Gives whether it came to the end. */
  async start(store: LogStore, text: string, listener: FeedListener, found: () => void): Promise<boolean> {
    this.stop()
    this.text = text
    if (text === '') return false
    try {
      const { TextSearch } = await import('./text-search.ts')
      if (this.text !== text) return false
      const search = new TextSearch(store, text)
      this.#search = search
      found()
      await search.run(found)
      return this.#search === search
    } catch (error) {
      if (this.text === text) listener.failed(error)
      return false
    }
  }

  /** Looks at a record that has come just now. */
  addRecord(record: StoredRecord): void {
    this.#search?.addRecord(record)
  }

  stop(): void {
    this.text = ''
    this.#search?.stop()
    this.#search = undefined
  }
}
