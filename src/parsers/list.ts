import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Fold } from '../core/flow/fold.ts'
import type { AssistantMessage } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { chunkToText } from './text.ts'

/**
 * A list that a model writes with commas (LangChain's CommaSeparatedListOutputParser): `foo, "bar, baz"` is `['foo', 'bar, baz']`. Its
 * stream yields each item as an array of its own when it is whole.
 *
 * An item in double quotes may hold commas, line ends, and quotes written twice, as in CSV. White space around items is left out. A line
 * end ends an item too, after a comma or not; between two commas an item may be empty.
 *
 * @example
 * const colours = prompt.pipe(model).pipe(new CommaSeparatedListOutputParser())
 * for await (const [colour] of colours.stream({ count: 5 })) add(colour)
 */
export class CommaSeparatedListOutputParser extends Runnable<AssistantMessage | string, string[], string[]> {
  readonly name = 'CommaSeparatedListOutputParser'
  readonly kind: RunKind = 'parser'

  /** What to tell the model. */
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
 * A list that a model writes with numbers, an item per line (LangChain's NumberedListOutputParser). Other lines are left out. Its stream
 * yields each item as an array of its own when its line has ended.
 *
 * @example
 * await new NumberedListOutputParser().invoke('Two colours:\n\n1. red\n2. blue') // ['red', 'blue']
 */
export class NumberedListOutputParser extends Runnable<AssistantMessage | string, string[], string[]> {
  readonly name = 'NumberedListOutputParser'
  readonly kind: RunKind = 'parser'

  /** What to tell the model. */
  getFormatInstructions(): string {
    return 'Answer with a numbered list, each item on a line of its own, such as:\n\n1. foo\n2. bar\n3. baz'
  }

  override open(input: AssistantMessage | string): Flow<string[]> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<string[]> {
    return splitIntoItems(flow, this.name, lineSplitter(/^\s*\d+[.)]\s+(.*\S)/))
  }
}

/**
 * A list that a model writes in Markdown, an item per line that begins with `-`, `*` or `+` (LangChain's MarkdownListOutputParser). Other
 * lines are left out. Its stream yields each item as an array of its own when its line has ended.
 *
 * @example
 * await new MarkdownListOutputParser().invoke('Two colours:\n- red\n- blue') // ['red', 'blue']
 */
export class MarkdownListOutputParser extends Runnable<AssistantMessage | string, string[], string[]> {
  readonly name = 'MarkdownListOutputParser'
  readonly kind: RunKind = 'parser'

  /** What to tell the model. */
  getFormatInstructions(): string {
    return 'Answer with a Markdown list, each item on a line of its own, such as:\n\n- foo\n- bar\n- baz'
  }

  override open(input: AssistantMessage | string): Flow<string[]> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<string[]> {
    return splitIntoItems(flow, this.name, lineSplitter(/^\s*[-*+]\s+(.*\S)/))
  }
}

/** Takes text in pieces, and tells each item when it is whole. */
type Splitter = (tell: (item: string) => void) => { readonly add: (text: string) => void; readonly end: () => void }

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

/** Arrays, one after another. */
function concatArrays(): Fold<readonly string[], string[]> {
  const all: string[] = []
  return {
    add: (items) => {
      all.push(...items)
    },
    result: () => all,
  }
}

/** What the pattern finds in each line. */
function lineSplitter(pattern: RegExp): Splitter {
  return (tell) => {
    let line = ''
    const add = (text: string): void => {
      const [rest = '', ...more] = text.split('\n')
      line += rest
      for (const next of more) {
        const item = pattern.exec(line)?.[1]
        if (item !== undefined) tell(item)
        line = next
      }
    }
    return { add, end: () => add('\n') }
  }
}

function commaSplitter(tell: (item: string) => void): ReturnType<Splitter> {
  /** What has been read of an item; undefined before it begins. */
  let item: string | undefined
  let quote: 'none' | 'open' | 'closed' = 'none'
  const end = (): void => {
    if (item !== undefined) tell(item.trim())
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
      // Twice in a quoted item it is a quote.
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
