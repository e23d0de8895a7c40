import type { ListFormat, Splitter } from './list-reader.ts'

/** A list whose items are the first group of `pattern`, without white space at its end, in each line that matches. */
export function lineFormat(pattern: RegExp): ListFormat {
  const createSplitter = (onItem: (item: string) => void): Splitter => {
    let line = ''
    const add = (text: string): void => {
      const [rest = '', ...more] = text.split('\n')
      line += rest
      for (const next of more) {
        const item = pattern.exec(line)?.[1]
        if (item !== undefined) onItem(item.trimEnd())
        line = next
      }
    }
    return { isQuoted: false, add, end: () => add('\n') }
  }
  return { createSplitter, skipsProse: true }
}

/** Skips a first line that ends with a colon, unless it is all there is. */
function introductionFilter(onItem: (item: string) => void) {
  let isFirst = true
  let introduction = ''
  return {
    add: (item: string, isPlainLine: boolean) => {
      introduction = isFirst && isPlainLine && item.endsWith(':') ? item : ''
      isFirst = false
      if (introduction === '') onItem(item)
    },
    end: () => {
      if (introduction !== '') onItem(introduction)
    },
  }
}

/** Splits a list with commas between its items. */
export function commaSplitter(onItem: (item: string) => void): Splitter {
  const items = introductionFilter(onItem)
  /** The item read so far; `undefined` before it begins. */
  let item: string | undefined
  let quote: 'none' | 'open' | 'closed' = 'none'
  const endItem = (isLine = false): void => {
    if (item !== undefined) items.add(item.trim(), isLine && quote === 'none')
    item = undefined
    quote = 'none'
  }
  const read = (char: string): void => {
    if (quote === 'open') {
      if (char === '"') quote = 'closed'
      else item += char
    } else if (char === ',') {
      item ??= ''
      endItem()
    } else if (char === '\n') endItem(true)
    else if (char === '"' && (item === undefined || quote === 'closed')) {
      // A doubled quote in a quoted item is one quote.
      item = item === undefined ? '' : `${item}"`
      quote = 'open'
    } else if (item !== undefined || char.trim()) {
      item = (item ?? '') + char
      quote = 'none'
    }
  }
  return {
    get isQuoted() {
      return quote === 'open'
    },
    add: (text) => {
      for (const char of text) read(char)
    },
    end: () => {
      endItem()
      items.end()
    },
  }
}
