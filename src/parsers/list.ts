import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Fold } from '../core/flow/fold.ts'
import type { AssistantMessage } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { chunkToText } from './text.ts'

/**
 * Parses a comma-separated list (LangChain's CommaSeparatedListOutputParser): `foo, "bar, baz"` becomes `['foo', 'bar, baz']`. The stream
 * yields an array of one item as soon as the item is complete.
 *
 * Items in double quotes may contain commas, line breaks, and doubled quotes, as in CSV. White space around items is trimmed. A line break
 * ends an item, with or without a comma, so a trailing comma adds no empty item. An item between two commas may be empty.
 *
 * @example
 * const names = prompt.pipe(model).pipe(new CommaSeparatedListOutputParser())
 * for await (const [name = ''] of names.stream({ animal: 'bears' })) show(name)
 */
export class CommaSeparatedListOutputParser extends Runnable<AssistantMessage | string, string[], string[]> {
  /** The name of its runs in events. */
  readonly name = 'CommaSeparatedListOutputParser'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'parser'

  /** Returns instructions for the prompt. They contain no braces. */
  getFormatInstructions(): string {
    return 'Answer with a list of values with commas between them and nothing else, such as: foo, bar, baz'
  }

  override open(input: AssistantMessage | string): Flow<string[]> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<string[]> {
    return splitIntoItems(flow, this.name, commaSplitter)
  }
}

/**
 * Parses a numbered list, one item per line (LangChain's NumberedListOutputParser). Other lines are ignored. The stream yields an array of
 * one item when the item's line ends.
 *
 * @example
 * await new NumberedListOutputParser().invoke('Two colours:\n\n1. red\n2. blue') // ['red', 'blue']
 */
export class NumberedListOutputParser extends Runnable<AssistantMessage | string, string[], string[]> {
  /** The name of its runs in events. */
  readonly name = 'NumberedListOutputParser'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'parser'

  /** Returns instructions for the prompt. They contain no braces. */
  getFormatInstructions(): string {
    return 'Answer with a numbered list, each item on a line of its own, such as:\n\n1. foo\n2. bar\n3. baz'
  }

  override open(input: AssistantMessage | string): Flow<string[]> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<string[]> {
    return splitIntoItems(flow, this.name, lineSplitter(/^\s*\d+[.)]\s+(\S.*)/))
  }
}

/**
 * Parses a Markdown list: lines that begin with `-`, `*` or `+` (LangChain's MarkdownListOutputParser). Other lines are ignored. The stream
 * yields an array of one item when the item's line ends.
 *
 * @example
 * await new MarkdownListOutputParser().invoke('Two colours:\n- red\n- blue') // ['red', 'blue']
 */
export class MarkdownListOutputParser extends Runnable<AssistantMessage | string, string[], string[]> {
  /** The name of its runs in events. */
  readonly name = 'MarkdownListOutputParser'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'parser'

  /** Returns instructions for the prompt. They contain no braces. */
  getFormatInstructions(): string {
    return 'Answer with a Markdown list, each item on a line of its own, such as:\n\n- foo\n- bar\n- baz'
  }

  override open(input: AssistantMessage | string): Flow<string[]> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<string[]> {
    return splitIntoItems(flow, this.name, lineSplitter(/^\s*[-*+]\s+(\S.*)/))
  }
}

/** Splits text that arrives in pieces. Calls `onItem` with each complete item. */
type Splitter = (onItem: (item: string) => void) => { readonly add: (text: string) => void; readonly end: () => void }

function splitIntoItems(flow: Flow, name: string, splitter: Splitter): Flow<string[]> {
  let items: ReturnType<Splitter> | undefined
  return flow.through<string[]>(
    {
      start: (controller) => {
        items = splitter((item) => controller.enqueue([item]))
      },
      transform: (chunk) => items?.add(chunkToText(chunk, name)),
      flush: () => items?.end(),
    },
    concatArrays,
  )
}

/** Concatenates arrays. */
function concatArrays(): Fold<readonly string[], string[]> {
  const all: string[] = []
  return {
    add: (items) => {
      all.push(...items)
    },
    result: () => all,
  }
}

/** Emits the first group of `pattern`, without white space at its end, for each line that matches. */
function lineSplitter(pattern: RegExp): Splitter {
  return (onItem) => {
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
    return { add, end: () => add('\n') }
  }
}

function commaSplitter(onItem: (item: string) => void): ReturnType<Splitter> {
  /** The item read so far; `undefined` before it begins. */
  let item: string | undefined
  let quote: 'none' | 'open' | 'closed' = 'none'
  const end = (): void => {
    if (item !== undefined) onItem(item.trim())
    item = undefined
    quote = 'none'
  }
  const read = (char: string): void => {
    if (quote === 'open') {
      if (char === '"') quote = 'closed'
      else item += char
    } else if (char === ',') {
      item ??= ''
      end()
    } else if (char === '\n') end()
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
    add: (text) => {
      for (const char of text) read(char)
    },
    end,
  }
}
