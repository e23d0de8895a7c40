import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import type { FeedListener } from './feed.ts'
import type { TextSearch } from './text-search.ts'

/** The current text search. Its implementation is loaded with the first search. */
export class LogSearch {
  text = ''
  #search: TextSearch | undefined

  /** Ids of the runs and free records that contain the text; `undefined` without a search. */
  get found(): ReadonlySet<string> | undefined {
    return this.#search?.found
  }

  get isSearching(): boolean {
    return this.text !== '' && this.#search?.isOver !== true
  }

  /** Starts a search and stops the previous one. Calls `onFound` when `found` has changed; returns whether the search was completed. */
  async start(store: LogStore, text: string, listener: FeedListener, onFound: () => void): Promise<boolean> {
    this.stop()
    this.text = text
    if (text === '') return false
    try {
      const { TextSearch } = await import('./text-search.ts')
      if (this.text !== text) return false
      const search = new TextSearch(store, text)
      this.#search = search
      onFound()
      await search.run(onFound)
      return this.#search === search
    } catch (error) {
      if (this.text === text) listener.failed(error)
      return false
    }
  }

  /** Searches a record that was written just now. */
  addRecord(record: StoredRecord): void {
    this.#search?.addRecord(record)
  }

  stop(): void {
    this.text = ''
    this.#search?.stop()
    this.#search = undefined
  }
}
