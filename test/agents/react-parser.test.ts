import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FinalAnswerExtractor, parseReAct } from '../../src/agents/react-parser.ts'

const finish = (output: string, log?: string) => ({ finish: { returnValues: { output }, log: log ?? expect.any(String) } })
const action = (tool: string, toolInput: string) => ({ action: { tool, toolInput, log: expect.any(String) } })
const problem = (words: RegExp) => ({ problem: expect.stringMatching(words) })

describe('parseReAct()', () => {
  test.each([
    ['an action', 'I must work it out.\nAction: Calculator\nAction Input: 2 ^ 0.235', action('Calculator', '2 ^ 0.235')],
    ['numbered labels', 'Action 1: Search\nAction 1 Input 1: bears', action('Search', 'bears')],
    ['spaces before colons', 'Action : Search\nAction Input : bears', action('Search', 'bears')],
    ['an input on lines of its own', 'Action: Search\nAction Input:\n\n  bears\nand cats\n', action('Search', 'bears\nand cats')],
    ['a tool on the next line', 'Action:\nSearch\nAction Input: bears', action('Search', 'bears')],
    ['quotes around the input', 'Action: Search\nAction Input: "bears"', action('Search', 'bears')],
    ['SQL with its quotes', 'Action: db\nAction Input: SELECT "a" FROM "b"', action('db', 'SELECT "a" FROM "b"')],
    ['an empty input', 'Action: now\nAction Input:', action('now', '')],
    ['no space after the label', 'Action:Search\nAction Input:bears', action('Search', 'bears')],
    ['a final answer', 'I know it now.\nFinal Answer: 42', finish('42', 'I know it now.\nFinal Answer: 42')],
    ['a final answer of several paragraphs', 'Final Answer: one\n\ntwo\n', finish('one\n\ntwo')],
    ['the last of several answers', 'Final Answer: 1\nNo. Final Answer: 2', finish('2')],
    [
      'an answer that the model continues',
      'Final Answer: 42\n\nQuestion: Why?\nThought: …\nAction: Search\nAction Input: why',
      finish('42', 'Final Answer: 42'),
    ],
    [
      'an answer of two paragraphs that the model continues',
      'Final Answer: 4\n\n2\n\nThought: hm\nAction: a\nAction Input: b',
      finish('4\n\n2'),
    ],
    ['an answer right before an action', 'Final Answer: 42\nAction: Search\nAction Input: why', finish('42')],
    ['an action before an answer', 'Action: Search\nAction Input: x\nFinal Answer: 42', problem(/only one/)],
    ['no action', 'I think it is 42.', problem(/"Action:" after "Thought:"/)],
    ['no input', 'Action: Search', problem(/"Action Input:" after "Action:"/)],
    ['nothing', '', problem(/"Action:"/)],
    ['a text about actions', 'Actions speak louder', problem(/"Action:"/)],
  ])('parses %s', (_, text, expected) => {
    expect(parseReAct(text)).toEqual(expected)
  })

  test('removes white space and quotes around any input', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', ' ', 'x', '\n') }), (input) => {
        const expected = input.trim().replace(/^"+|"+$/g, '')
        expect(parseReAct(`Action: a\nAction Input:${input}`)).toMatchObject({ action: { toolInput: expected } })
      }),
    )
  })

  test('parses a megabyte of white space and labels in linear time', () => {
    for (const text of [`Action${' '.repeat(1e6)}`, 'Action: '.repeat(1e5), `Final Answer:${'\n'.repeat(1e5)}x`, 'Action 1 '.repeat(1e5)]) {
      parseReAct(text)
    }
  })
})

describe('FinalAnswerExtractor', () => {
  const shownOf = (text: string, pieces: readonly string[]): { live: string; whole: string } => {
    const extractor = new FinalAnswerExtractor()
    const live = pieces.map((piece) => extractor.add(piece)).join('')
    const decision = parseReAct(text)
    const answer = 'finish' in decision ? String(decision.finish.returnValues.output) : ''
    return { live, whole: live + extractor.remaining(answer) }
  }

  test('add() returns the answer as it arrives, trimmed', () => {
    const extractor = new FinalAnswerExtractor()
    const pieces = ['I know.\nFin', 'al Answer', ': ', ' The', ' sky', '\n', 'is', ' blue. ', '\n']
    expect(pieces.map((piece) => extractor.add(piece))).toEqual(['', '', '', 'The', ' sky', '', '\nis', ' blue.', ''])
    expect(extractor.remaining('The sky\nis blue.')).toBe('')
  })

  test('add() holds text after a blank line back only while it may be a label', () => {
    const extractor = new FinalAnswerExtractor()
    const pieces = ['Final Answer: One.', '\n\n', 'Act', 'ing is two.', '\n\nThought', ': hm', ' more']
    expect(pieces.map((piece) => extractor.add(piece))).toEqual(['One.', '', '', '\n\nActing is two.', '', '', ''])
  })

  test('returns the answer that parseReAct() returns, wherever the text is split', () => {
    // Actions follow a blank line here. Otherwise their label is returned before it is known to be one.
    const lines = ['Question: x', 'Thought:', 'Action: a\nAction Input: b', 'Observation: z', 'Acting', 'Thoughts']
    const piece = fc.constantFrom('\n', '\n\n', ' ', 'bears', '42', 'Act', ...lines.flatMap((line) => [`\n\n${line}`, ` \n \n ${line}`]))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(100), { maxLength: 6 }), (words, cuts) => {
        const text = `Final Answer: ${words.join('')}`
        const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
        const pieces = at.slice(1).map((end, i) => text.slice(at[i], end))
        const decision = parseReAct(text)
        const output = 'finish' in decision ? decision.finish.returnValues.output : ''
        expect(shownOf(text, pieces).whole).toBe(output)
      }),
    )
  })
})
