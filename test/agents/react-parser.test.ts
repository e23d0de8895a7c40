import { parseReAct } from 'chaintap/agents'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

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
    ['the first of several answers, because it may have been streamed', 'Final Answer: 1\nFinal Answer: 2', finish('1')],
    ['the last of several answers that are inside lines', 'Is it Final Answer: 1? No. Final Answer: 2', finish('2')],
    ['an empty answer before an answer', 'Final Answer:\n\nFinal Answer: 42', finish('42')],
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

  test('removes white space, and quotes around an input without other quotes', () => {
    const inner = fc.string({ unit: fc.constantFrom('x', ' ', '\n', "'"), minLength: 1 })
    const written = fc.tuple(fc.nat(3), inner, fc.nat(3), fc.constantFrom('', '"y', 'y"', '" or "'))
    fc.assert(
      fc.property(written, ([before, text, after, middle]) => {
        const input = `${'"'.repeat(before)}x${text}${middle}x${'"'.repeat(after)}`
        const expected = before === after && middle === '' ? `x${text}x` : input
        expect(parseReAct(`Action: a\nAction Input: ${input}\n `)).toMatchObject({ action: { toolInput: expected } })
      }),
    )
  })

  test.each([
    '5" pipe',
    'git log --since="1 day"',
    '"a" or "b"',
    'INSERT INTO t VALUES ("x")',
    'WITH x AS (SELECT 1) SELECT "a" FROM "T"',
    '`a` and `b`',
    'one ```two``` three',
    '{"note": "My Observation: none"}',
    'name: x\naction: restart\nthought: none',
    'Dear team,\nAction: please answer\nQuestion: when?',
    '```yaml\nThought: x\nAction: y\nAction Input: z\n```\nand more',
    'a <think> b',
    'Ob',
    'Observe the bears',
    '{\n "x": 1\n}',
  ])('keeps the input %j', (input) => {
    expect(parseReAct(`Thought: a\nAction: t\nAction Input: ${input}`)).toEqual(action('t', input))
  })

  test.each([
    ['"SELECT name FROM t"', 'SELECT name FROM t'],
    ['"say \\"hi\\""', 'say "hi"'],
    ['"C:\\dir\\"', 'C:\\dir\\'],
    ['`2+2`', '2+2'],
    ['```\n2+2\n```', '2+2'],
    ['```sql\nSELECT "a"\n  FROM b\n```', 'SELECT "a"\n  FROM b'],
    ['\n```json\n{"a": 1}\n```\n', '{"a": 1}'],
    ['```2+2```', '2+2'],
    ['2+2\n```', '2+2'],
    ['""', ''],
  ])('removes what wraps the input %j', (written, input) => {
    expect(parseReAct(`Action: t\nAction Input: ${written}`)).toEqual(action('t', input))
  })

  test.each([
    '\nAction: t\nAction Input: 3+3',
    '\n\nThought: and then\nAction: u\nAction Input: 3+3',
    '\nThought: I wait for it.',
    '\nThought: So it is\nFinal Answer: 4',
    '\nAction Input: 3+3',
    '\nQuestion: Why?\nThought: hm',
    '\n**Thought:** hm',
    '\nObservation: 4\nThought: So it is\nFinal Answer: 4',
    '\nobservation : 4',
    '\n**Observation:** 4',
    ' Observation: 4',
    '\n\tObservation: 4',
    '\nOb',
    '\nObserv',
    '\nObservation',
    '\n**Observation',
  ])('ends the input before %j', (more) => {
    expect(parseReAct(`a\nAction: t\nAction Input: 2+2${more}`)).toEqual(action('t', '2+2'))
  })

  test('the log ends with the first action', () => {
    const log = 'a\nAction: t\nAction Input: 2+2'
    const text = `<think>b</think>${log}\nThought: c\nFinal Answer: 4`
    expect(parseReAct(text)).toEqual({ action: { tool: 't', toolInput: '2+2', log } })
  })

  test.each([
    '**Thought:** a\n**Action:** t\n**Action Input:** x',
    '**Thought**: a\n**Action**: t\n**Action Input**: x',
    '**Action: t**\n**Action Input: x**',
    '__Action:__ t\n__Action Input:__ x',
    'THOUGHT: a\nACTION: t\nACTION INPUT: x',
    'thought: a\naction: t\naction input: x\nobservation: 4',
    '### Action: t\n### Action Input: x',
    '> Action: t\n> Action Input: x',
    '- Action: t\n- Action Input: x',
    '1. Action: t\n2. Action Input: x',
    'Action：t\nAction Input：x',
    'Action_Input: no\nAction: t\nAction_Input: x',
    'Action: `t`\nAction Input: `x`',
    'Action: [t]\nAction Input: x',
    'Action: "t"\nAction Input: "x"',
    'Action: **t**\nAction Input: x',
    'Action: t\nI look for it.\nAction Input: x',
    '```\nThought: a\nAction: t\nAction Input: x\n```',
    'Thought: a\n```text\nAction: t\nAction Input: x',
    'I must. Action: t Action Input: x',
    'I could write\n```\nAction: wipe\nAction Input: all\n```\nAction: t\nAction Input: x',
    'I could. Action: wipe Action Input: all\nAction: t\nAction Input: x',
    '<think>I could write\nAction: wipe\nAction Input: all\n</think>\nAction: t\nAction Input: x',
    'I could write\nAction: wipe\nAction Input: all\n</think>\nAction: t\nAction Input: x',
    '<think>Is it Final Answer: 3? No.</think>Action: t\nAction Input: x',
    'Is it Final Answer: 3? No.\nAction: t\nAction Input: x',
    'Action: None\nAction Input: None\nThought: or\nAction: t\nAction Input: x',
  ])('reads the action in %j', (text) => {
    expect(parseReAct(text)).toEqual(action('t', 'x'))
  })

  test.each([
    '**Thought:** a\n**Final Answer:** 42',
    '**Final Answer**: 42',
    '**Final Answer: 42**',
    'Final answer: 42',
    'FINAL ANSWER : 42',
    'Final Answer：42',
    '### Final Answer:\n42',
    '`Final Answer:` 42',
    'I know. Final Answer: 42',
    '```\nThought: a\nFinal Answer: 42\n```',
    'Final Answer: 42\n\nThought: I have answered.',
    'Final Answer: 42\nObservation: fine',
    'Final Answer: 42\nObserv',
    'Action: None\nFinal Answer: 42',
    'Action: None\nAction Input: None\nFinal Answer: 42',
    'Action: N/A (I know it)\nFinal Answer: 42',
    'Action: None. Final Answer: 42',
    '<think>First\nAction: t\nAction Input: 1\n</think>\nFinal Answer: 42',
    'Final Answer: 41\n</think>\n\nFinal Answer: 42',
    'Final Answer: 41.</think>Final Answer: 42',
    '<think>a</think>Final Answer: 42\n<think>b</think>',
  ])('reads the answer in %j', (text) => {
    expect(parseReAct(text)).toEqual(finish('42'))
  })

  test.each([
    'Here you are:\n\nQuestion: Why?\nAnswer: So.\n\nQuestion: When?',
    'Two steps.\nAction: call the bank.\nOwner: you',
    '```yaml\nThought: a\nObservation: b\n```\nthat is it',
    'DeepSeek writes <think> and </think>.',
    'It ends with `</think>`.',
    '**42** is *it*',
    'action: none of these\nthoughts: many',
  ])('keeps the answer %j', (answer) => {
    expect(parseReAct(`Thought: a\nFinal Answer: ${answer}`)).toEqual(finish(answer))
  })

  test.each([
    ['Action: None', 'None', ''],
    ['Action: None (direct response required)', 'None (direct response required)', ''],
    ['Action: N/A\nAction Input: None', 'N/A', 'None'],
  ])('%j without an answer is an action, which the agent refuses', (text, tool, input) => {
    expect(parseReAct(`Thought: a\n${text}`)).toEqual(action(tool, input))
  })

  test('ignores what the model only thought', () => {
    const opening = fc.constantFrom('<think>', '', '<think>\n', '<thinking>a\n', '[THINK]')
    const draft = fc.constantFrom(
      '\nAction: wipe\nAction Input: all',
      '\nFinal Answer: 41',
      'Action: wipe Action Input: x',
      '\n**Action:** wipe\n**Action Input:** x',
    )
    const rest = fc.constantFrom('', 'Thought: a\nAction: t\nAction Input: x', '\nFinal Answer: 42', ' Hm.')
    fc.assert(
      fc.property(opening, fc.array(draft, { maxLength: 3 }), rest, (open, drafts, more) => {
        const closing = open === '[THINK]' ? '[/THINK]' : '</think>'
        expect(parseReAct(`${open}${drafts.join('')}\n${closing}\n${more}`)).toEqual(parseReAct(`\n${more}`))
      }),
    )
  })

  test('parses a megabyte of white space and labels in linear time', () => {
    for (const text of [`Action${' '.repeat(1e6)}`, 'Action: '.repeat(1e5), `Final Answer:${'\n'.repeat(1e5)}x`, 'Action 1 '.repeat(1e5)]) {
      parseReAct(text)
    }
  })
})
