import { ChaintapError } from '../core/errors.ts'
import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Fold } from '../core/flow/fold.ts'
import type { AssistantMessage } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { type ListFormat, ListReader } from './list-reader.ts'
import { commaSplitter, lineFormat } from './list-splitters.ts'
import { chunkToText } from './text.ts'

/**
 * Parses a comma-separated list (LangChain's CommaSeparatedListOutputParser): `foo, "bar, baz"` becomes `['foo', 'bar, baz']`. The stream
 * yields an array of one item as soon as the item is complete.
 *
 * Items in double quotes may contain commas, line breaks, and doubled quotes, as in CSV. White space around items is trimmed. A line break
 * ends an item, with or without a comma, so a trailing comma adds no empty item. An item between two commas may be empty. A first line that
 * ends with a colon is an introduction, thinking (`<think>…</think>`) is dropped, and a code fence contains all items.
 *
 * @throws ChaintapError `output_parser` if the answer ends in its thinking, or if `stream` yielded items that turn out to be thinking.
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

  override open(input: AssistantMessage | string, run: RunHandle): Flow<string[]> {
    return this.through(Flow.of(input), run)
  }

  override through(flow: Flow, run: RunHandle): Flow<string[]> {
    return splitIntoItems(flow, run, this.name, { createSplitter: commaSplitter, skipsProse: false })
  }
}

/**
 * Parses a numbered list, one item per line (LangChain's NumberedListOutputParser). Other lines and thinking are ignored, and so are lines in
 * code, if there are others. The stream yields an array of one item when the item's line ends.
 *
 * @throws ChaintapError `output_parser` if the answer ends in its thinking, or if `stream` yielded items that turn out to be thinking.
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

  override open(input: AssistantMessage | string, run: RunHandle): Flow<string[]> {
    return this.through(Flow.of(input), run)
  }

  override through(flow: Flow, run: RunHandle): Flow<string[]> {
    return splitIntoItems(flow, run, this.name, lineFormat(/^\s*\d+[.)]\s+(\S.*)/))
  }
}

/**
 * Parses a Markdown list: lines that begin with `-`, `*` or `+` (LangChain's MarkdownListOutputParser). Other lines and thinking are
 * ignored, and so are lines in code, if there are others. The stream yields an array of one item when the item's line ends.
 *
 * @throws ChaintapError `output_parser` if the answer ends in its thinking, or if `stream` yielded items that turn out to be thinking.
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

  override open(input: AssistantMessage | string, run: RunHandle): Flow<string[]> {
    return this.through(Flow.of(input), run)
  }

  override through(flow: Flow, run: RunHandle): Flow<string[]> {
    return splitIntoItems(flow, run, this.name, lineFormat(/^\s*[-*+]\s+(\S.*)/))
  }
}

function splitIntoItems(flow: Flow, { streaming }: RunHandle, name: string, format: ListFormat): Flow<string[]> {
  let reader: ListReader | undefined
  /** How many items were yielded, and how many of them were only thought. */
  let [count, thought] = [0, 0]
  return flow.through<string[]>(
    {
      start: (controller) => {
        const onItem = (item: string): void => {
          count++
          controller.enqueue([item])
        }
        const onForget = (): void => {
          thought = count
          if (streaming && count > 0) throw thoughtError(name)
        }
        reader = new ListReader(format, onItem, onForget)
      },
      transform: (chunk) => reader?.read(chunkToText(chunk, name)),
      flush: () => {
        if (reader?.end() === false)
          throw new ChaintapError('output_parser', `${name}: the answer ends before its thinking does. Raise maxTokens.`)
      },
    },
    () => concatArrays(() => thought),
  )
}

const thoughtError = (name: string): ChaintapError =>
  new ChaintapError(
    'output_parser',
    `${name}: the model ended its thinking with a tag that it had not opened, after items in it were streamed. Let the server separate the thinking (a reasoning parser), or use invoke() instead of stream().`,
  )

/** Concatenates arrays, without the first `dropped()` items. */
function concatArrays(dropped: () => number): Fold<readonly string[], string[]> {
  const all: string[] = []
  return {
    add: (items) => {
      all.push(...items)
    },
    result: () => all.slice(dropped()),
  }
}
