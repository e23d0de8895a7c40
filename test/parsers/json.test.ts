import { type AssistantMessage, ChaintapError, JsonOutputParser, lambda, type RunEvent } from 'chaintap'
import { type ScriptedAnswer, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const parser = new JsonOutputParser()
const saying = (answer: ScriptedAnswer) => scriptedModel([answer]).pipe(parser)

/** The chunks that the parser makes of these pieces, and how it ended. */
async function parsed(pieces: readonly string[]) {
  const run = saying(pieces).stream('Go')
  const { outcome } = run
  const chunks: unknown[] = []
  try {
    for await (const chunk of run) chunks.push(chunk)
  } catch {
    // Told by the outcome.
  }
  return { chunks, outcome: await outcome }
}

async function failure(answer: string): Promise<ChaintapError> {
  const error = await parser.invoke(answer).catch((reason: unknown) => reason)
  if (error instanceof ChaintapError) return error
  throw new Error('It did not fail with an error of ours', { cause: error })
}

describe('JsonOutputParser', () => {
  it('gives the value as it grows: a chunk where more is known, none where not', async () => {
    const pieces = [
      '{',
      '\n "',
      'setup',
      '":',
      ' "',
      'Why',
      ' did',
      ' \\',
      'n',
      '",\n "',
      'stars',
      '": ',
      '1',
      '7',
      ', "tags": [',
      '"a',
      '"',
      ']}',
      '\n',
    ]
    const { chunks, outcome } = await parsed(pieces)
    expect(chunks).toEqual([
      {},
      { setup: '' },
      { setup: 'Why' },
      { setup: 'Why did' },
      { setup: 'Why did ' },
      { setup: 'Why did \n' },
      { setup: 'Why did \n', stars: 17, tags: [] },
      { setup: 'Why did \n', stars: 17, tags: ['a'] },
    ])
    expect(outcome).toMatchObject({ status: 'complete', output: chunks.at(-1) })
  })

  it('gives the whole to who asks for the whole', async () => {
    const answer = '{"a": [1, {"b": null}]}'
    expect(await saying(answer).invoke('Go')).toEqual({ a: [1, { b: null }] })
    expect(await parser.invoke(answer)).toEqual({ a: [1, { b: null }] })
    expect(await parser.invoke({ role: 'assistant', content: answer })).toEqual({ a: [1, { b: null }] })
    const content = [
      { type: 'reasoning', text: '{"no": 1}' },
      { type: 'text', text: '{"a"' },
      { type: 'text', text: ': 1}' },
    ] as const
    expect(await parser.invoke({ role: 'assistant', content })).toEqual({ a: 1 })
  })

  it('takes a message of a step that does not stream, and the strings of one that does', async () => {
    const message = lambda((content: string): AssistantMessage => ({ role: 'assistant', content }))
    expect(await message.pipe(parser).invoke('[1]')).toEqual([1])
    const strings = lambda(function* (text: string) {
      yield* text
    })
    expect(await strings.pipe(parser).invoke('[1, 23]')).toEqual([1, 23])
  })

  it('hears text alone', async () => {
    const answer: ScriptedAnswer = [
      { type: 'reasoning', text: '{"no": 1}' },
      { type: 'text', text: '{"a":' },
      { type: 'tool-call', index: 0, id: 'x', name: 'f', args: '{"no": 2}' },
      { type: 'usage', usage: { outputTokens: 3 } },
      { type: 'text', text: ' 1}' },
      { type: 'stop', reason: 'end_turn' },
    ]
    expect(await saying(answer).invoke('Go')).toEqual({ a: 1 })
  })

  it('goes on through pipe: functions get the whole, transformers the chunks', async () => {
    const chain = saying(['{"a":', '"x', 'y"}'])
    expect(await chain.pipe((value) => JSON.stringify(value)).invoke('Go')).toBe('{"a":"xy"}')
    const seen: unknown[] = []
    await chain
      .pipe({
        transform(chunk) {
          seen.push(chunk)
        },
      })
      .stream('Go')
      .drain()
    expect(seen).toEqual([{}, { a: 'x' }, { a: 'xy' }])
  })

  it('is a run of kind parser whose output is the value', async () => {
    const heard: RunEvent[] = []
    await saying('{"a": 1}').invoke('Go', { callbacks: [(event) => void heard.push(event)] })
    expect(heard.filter(({ run }) => run.kind === 'parser')).toMatchObject([
      { type: 'start', run: { name: 'JsonOutputParser' } },
      { type: 'end', output: { a: 1 } },
    ])
  })

  it('ends with what was known where it is stopped', async () => {
    const heard: RunEvent[] = []
    const run = saying(['{"a": "x', 'y', 'z"}']).stream('Go', { callbacks: [(event) => void heard.push(event)] })
    for await (const chunk of run) if ((chunk as { a: string }).a === 'xy') break
    expect(await run.outcome).toMatchObject({ status: 'aborted', partial: { a: 'xy' } })
    expect(heard.find(({ type, run }) => type === 'error' && run.kind === 'parser')).toMatchObject({ partial: { a: 'xy' } })
  })

  it('serves runs side by side', async () => {
    const chain = lambda(async function* (text: string) {
      yield* text
    }).pipe(parser)
    expect(await chain.batch(['{"a": 1}', '[2]', '{"c": [3]}'])).toEqual([{ a: 1 }, [2], { c: [3] }])
  })

  it('says what to tell the model, without braces that a prompt would take for variables', () => {
    expect(parser.getFormatInstructions()).toMatch(/^[^{}]*JSON[^{}]*$/)
  })

  it.each([
    [5, 'a number'],
    [null, 'null'],
    [{ animal: 'bears' }, 'an object with animal'],
  ])('says what it takes when it gets %j', async (input, told) => {
    await expect(parser.invoke(input as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(new RegExp(`JsonOutputParser takes .* but got ${told}`)),
    })
  })
})

describe('what models write around JSON', () => {
  const fence = '```'
  const answers: readonly [answer: string, value: unknown][] = [
    ['  \n{"a": 1}\n', { a: 1 }],
    ['[1, 2]', [1, 2]],
    [`${fence}json\n{"a": 1}\n${fence}`, { a: 1 }],
    [`${fence}JSON\n{"a": 1}\n${fence}`, { a: 1 }],
    [`${fence}json5 {"a": 1}${fence}`, { a: 1 }],
    [`${fence}\n[1, 2]\n${fence}`, [1, 2]],
    [`${fence}json\n\n{}\n\n${fence}`, {}],
    ['json\n{"a": 1}', { a: 1 }],
    [`Here it is:\n\n${fence}json\n{"a": "${fence}b${fence}"}\n${fence}\n\nI looked {it} up [1].`, { a: `${fence}b${fence}` }],
    ['Sure! {"a": [1]} Hope this helps :}', { a: [1] }],
    ['As in [1] and {this}, [x](y) and - [ ] that: {\n  "a": 1\n}', { a: 1 }],
    ['The list: ["a", "b"].', ['a', 'b']],
    [
      'The matrix: [[1, 2], [3, 4]].',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['The rows: [\n  {"a": 1}\n]', [{ a: 1 }]],
    [`${fence}js\nconst x = 1 // {}\n${fence}\nThen ${fence}json\n{"a": 1}\n${fence}`, { a: 1 }],
    ['{"a": 1}{"b": 2}', { a: 1 }],
    ['{"a": 1}}', { a: 1 }],
    ['"text"', 'text'],
    [' 42\n', 42],
    [`${fence}json\ntrue\n${fence}`, true],
    ['null', null],
  ]

  it.each(answers)('%j', async (answer, value) => {
    expect(await parser.invoke(answer)).toEqual(value)
  })

  it('is left out wherever the answer is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...answers), fc.array(fc.nat(), { maxLength: 8 }), async ([answer, value], places) => {
        const at = [0, ...places.map((place) => place % (answer.length + 1)).sort((a, b) => a - b), answer.length]
        const { chunks, outcome } = await parsed(at.slice(1).map((end, i) => answer.slice(at[i], end)))
        expect(outcome).toMatchObject({ status: 'complete', output: value })
        expect(chunks.at(-1)).toEqual(value)
      }),
    )
  })

  it('is told by no chunk', async () => {
    expect((await parsed(['See [', '1] {', 'x}: ', '{ ', '"a": ', '1} and {"', 'b": 2}'])).chunks).toEqual([{}, { a: 1 }])
  })
})

describe('an answer that is no JSON', () => {
  it.each<[answer: string, told: RegExp]>([
    ['', /^There is no JSON in the answer/],
    ['Sorry, I cannot do that.', /no JSON.*The model wrote: Sorry, I cannot do that\.$/],
    ['See [1] and {name}.', /no JSON/],
    ['{"a": 1, b: 2}', /^"b" came where a key is expected, at position 9\..*The model wrote: \{"a": 1, b: 2\}$/],
    ['Well: {"a": True}', /^"T" came where a value is expected, at position 6\./],
    ['{"a": 1, "b": {"c": "d', /^The JSON ends in a string, at position 22\..*enough tokens/],
    ['```json\n[1, 2\n```', /^"2\\n```" is not JSON|"`" came where , or the end is expected/],
  ])('%j is an error that says why', async (answer, told) => {
    expect(await failure(answer)).toMatchObject({ name: 'ChaintapError', code: 'output_parser', message: expect.stringMatching(told) })
  })

  it('is shown around the place only, where it is long', async () => {
    const { message, cause } = await failure(`${'x'.repeat(1_000)} {"a": "${'y'.repeat(1_000)}", here: "${'z'.repeat(1_000)}"}`)
    expect(message).toMatch(/wrote: …y+", here: "z+…$/)
    expect(message.length).toBeLessThan(400)
    expect(cause).toMatchObject({ code: 'invalid_json' })
    expect((await failure('no '.repeat(1_000))).message.length).toBeLessThan(400)
  })

  it('fails when it has ended: its model ends well, and what was known comes first', async () => {
    const heard: RunEvent[] = []
    const run = saying(['{"a": 1, ', 'b', ' and', ' more']).stream('Go', { callbacks: [(event) => void heard.push(event)] })
    const chunks: unknown[] = []
    const read = async () => {
      for await (const chunk of run) chunks.push(chunk)
    }
    await expect(read()).rejects.toMatchObject({ code: 'output_parser' })
    expect(chunks).toEqual([{ a: 1 }])
    expect(await run.outcome).toMatchObject({ status: 'failed', partial: { a: 1 } })
    expect(heard.filter(({ type }) => type === 'end' || type === 'error').map(({ type, run }) => `${run.kind} ${type}`)).toEqual([
      'chat_model end',
      'parser error',
      'chain error',
    ])
  })

  it('does not put a piece of it for the whole', async () => {
    expect((await failure('{"a": 1, b: {"c": 2}}')).message).toContain('"b" came')
    expect((await parsed(['{"a": 1, ', 'b: ', '{"c": 2}}'])).outcome.status).toBe('failed')
  })
})
