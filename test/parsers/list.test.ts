import {
  CommaSeparatedListOutputParser,
  lambda,
  MarkdownListOutputParser,
  NumberedListOutputParser,
  PromptTemplate,
  type RunEvent,
} from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const comma = new CommaSeparatedListOutputParser()
const numbered = new NumberedListOutputParser()
const markdown = new MarkdownListOutputParser()
type Parser = typeof comma | typeof numbered | typeof markdown

const texts: readonly [parser: Parser, text: string, items: readonly string[]][] = [
  [comma, '', []],
  [comma, ' \n ', []],
  [comma, 'foo', ['foo']],
  [comma, 'foo, bar,baz', ['foo', 'bar', 'baz']],
  [comma, '  foo bar ,\tbaz \n', ['foo bar', 'baz']],
  [comma, 'foo,\nbar,\r\nbaz', ['foo', 'bar', 'baz']],
  [comma, 'foo\n\nbar', ['foo', 'bar']],
  [comma, 'foo,,bar,', ['foo', '', 'bar']],
  [comma, '"foo, foo2",bar, "baz"', ['foo, foo2', 'bar', 'baz']],
  [comma, '"say ""hi""", "", "two\nlines"', ['say "hi"', '', 'two\nlines']],
  [comma, '"Up" (2009), 5" pipe', ['Up (2009)', '5" pipe']],
  [comma, 'foo, "never closed, bar', ['foo', 'never closed, bar']],
  [comma, 'é😀, 木', ['é😀', '木']],
  [numbered, 'No items in the list.', []],
  [numbered, 'Two of them:\n\n1. foo\n\n2. bar', ['foo', 'bar']],
  [numbered, 'Items:\n\n1. apple\r\n\n    2. banana \n10) cherry\nThat is all.', ['apple', 'banana', 'cherry']],
  [numbered, '1. As of version 2. it is 3.5\n2.\n3.x', ['As of version 2. it is 3.5']],
  [comma, 'Here are two colours:\n\nred, green', ['red', 'green']],
  [comma, 'Two:\n"red", "green"', ['red', 'green']],
  [comma, 'Two colours:\n```\nred, green\n```\nI hope, this helps.', ['red', 'green']],
  [comma, '```csv\nred, "```\n"\n```', ['red', '```']],
  [comma, '```red, green```', ['red', 'green']],
  [comma, 'foo:', ['foo:']],
  [comma, '"foo:"\nbar', ['foo:', 'bar']],
  [comma, '<think>Maybe black, or\nwhite?</think>\nred, green', ['red', 'green']],
  [comma, 'red, "<think>", x < y, `` and <', ['red', '<think>', 'x < y', '`` and <']],
  [numbered, '<think>\n1. black?\n2. white?\n</think>\n1. red\n2. green', ['red', 'green']],
  [numbered, '```\n1. red\n2. green\n```', ['red', 'green']],
  [numbered, '1. install:\n   ```sh\n   1. no\n   ```\n2. run:\n~~~\n3. no\n~~~', ['install:', 'run:']],
  [markdown, '```yaml\n- no\n```\nThis gives:\n- red\n- green', ['red', 'green']],
  [markdown, '```yaml\n- red\n- green\n```', ['red', 'green']],
  [markdown, '```markdown\n- red\n```\n- green', ['red', 'green']],
  [markdown, 'No items - none - in the list.', []],
  [markdown, 'Items:\n- apple\n     - banana \r\n* cherry\n+ date\n-no\n---', ['apple', 'banana', 'cherry', 'date']],
]

describe('list parsers', () => {
  it('trim items of a line that holds any white space', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('a', ' ', '\t', '\r', '\u2028', '1.', '-') }), async (line) => {
        const [, numbered] = /^\s*\d+[.)]\s+(.*\S)/.exec(line) ?? []
        const [, marked] = /^\s*[-*+]\s+(.*\S)/.exec(line) ?? []
        expect(await new NumberedListOutputParser().invoke(line)).toEqual(numbered === undefined ? [] : [numbered])
        expect(await new MarkdownListOutputParser().invoke(line)).toEqual(marked === undefined ? [] : [marked])
      }),
    )
  })

  it.each(texts)('$name parses %j to %j', async (parser, text, items) => {
    expect(await parser.invoke(text)).toEqual(items)
    expect(await parser.invoke({ role: 'assistant', content: text })).toEqual(items)
  })

  it('yield one item per chunk, wherever the text is split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), fc.array(fc.nat(), { maxLength: 8 }), async ([parser, text, items], places) => {
        const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length]
        const run = scriptedModel([at.slice(1).map((end, i) => text.slice(at[i], end))])
          .pipe(parser as typeof comma)
          .stream('Go')
        const chunks: unknown[] = []
        for await (const chunk of run) chunks.push(chunk)
        expect(chunks).toEqual(items.map((item) => [item]))
        expect(await run.outcome).toMatchObject({ status: 'complete', output: items })
      }),
    )
  })

  it('drop items before a closing tag without an opening one; a stream that yielded some fails', async () => {
    const pieces = ['1. black', '?\n2. white?\n', '</th', 'ink>\n1. red\n', '2. green']
    const chain = () => scriptedModel([pieces]).pipe(numbered)
    expect(await chain().invoke('Go')).toEqual(['red', 'green'])
    expect(await comma.invoke('black, white?\n</think>\nred, green')).toEqual(['red', 'green'])
    const run = chain().stream('Go')
    await expect(run.drain()).rejects.toMatchObject({ code: 'output_parser', message: expect.stringContaining('reasoning parser') })
    expect(await numbered.stream('Hm.</think>\n1. red').drain()).toBeUndefined()
  })

  it('reject an answer that ends in its thinking', async () => {
    for (const parser of [comma, numbered, markdown]) {
      const answer = parser.invoke('<think>1. red, - gre')
      await expect(answer).rejects.toMatchObject({ code: 'output_parser', message: expect.stringContaining('before its thinking') })
    }
  })

  it('accept any characters in quoted items', async () => {
    const item = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é') }).map((text) => text.trim())
    await fc.assert(
      fc.asyncProperty(fc.array(item), async (items) => {
        const text = items.map((quoted) => `"${quoted.replaceAll('"', '""')}"`).join(', ')
        expect(await comma.invoke(text)).toEqual(items)
      }),
    )
  })

  it.each<[Parser, pieces: readonly string[], chunksAfterEach: readonly number[]]>([
    [comma, ['fo', 'o', ', b', 'ar', ',', ' "a', ',b"', ', c'], [0, 0, 1, 1, 2, 2, 2, 3]],
    [numbered, ['1', '. f', 'oo', '\n', '2. bar\n3', '. baz'], [0, 0, 0, 1, 2, 2]],
    [markdown, ['Yes:', '\n', '- f', 'oo\n- bar'], [0, 0, 0, 1]],
  ])('yield an item as soon as it is complete (%#)', async (parser, pieces, chunksAfterEach) => {
    let count = 0
    const counts: number[] = []
    const source = lambda(function* () {
      for (const [i, piece] of pieces.entries()) {
        if (i > 0) counts.push(count)
        yield piece
      }
      counts.push(count)
    })
    for await (const chunk of source.pipe(parser as typeof comma).stream('Go')) count += chunk.length
    expect(counts).toEqual(chunksAfterEach)
  })

  it.each([
    [comma, 'CommaSeparatedListOutputParser'],
    [numbered, 'NumberedListOutputParser'],
    [markdown, 'MarkdownListOutputParser'],
  ])('emit a run of kind parser (%#)', async (parser, name) => {
    const events: RunEvent[] = []
    await parser.invoke('1. - a', { callbacks: [(event) => void events.push(event)] })
    expect(events).toMatchObject([{ type: 'start', run: { name, kind: 'parser' } }, { type: 'end' }])
    expect(events[1]).toHaveProperty('output', await parser.invoke('1. - a'))
    await expect(parser.invoke(5 as never)).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining(name) })
  })

  it.each([
    [comma, /commas/],
    [numbered, /numbered list.*\n\n1\. /],
    [markdown, /Markdown list.*\n\n- /],
  ])('parse the example in their own format instructions (%#)', async (parser, expected) => {
    const instructions = parser.getFormatInstructions()
    expect(instructions).toMatch(expected)
    expect(await PromptTemplate.fromTemplate('{x}').format({ x: instructions })).toBe(instructions)
    expect(await parser.invoke(instructions.slice(instructions.indexOf('such as:') + 8))).toEqual(['foo', 'bar', 'baz'])
  })
})
