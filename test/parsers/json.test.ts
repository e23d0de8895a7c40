import { type AssistantMessage, ChaintapError, JsonOutputParser, lambda, type RunEvent } from 'chaintap'
import { type ScriptedAnswer, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const parser = new JsonOutputParser()
const answering = (answer: ScriptedAnswer) => scriptedModel([answer]).pipe(parser)

/** The parser's chunks and outcome for these pieces. */
async function parsed(pieces: readonly string[]) {
  const run = answering(pieces).stream('Go')
  const { outcome } = run
  const chunks: unknown[] = []
  try {
    for await (const chunk of run) chunks.push(chunk)
  } catch {
    // The outcome has the error.
  }
  return { chunks, outcome: await outcome }
}

async function failure(answer: string): Promise<ChaintapError> {
  const error = await parser.invoke(answer).catch((reason: unknown) => reason)
  if (error instanceof ChaintapError) return error
  throw new Error('Expected a ChaintapError', { cause: error })
}

describe('JsonOutputParser', () => {
  it('yields a partial value whenever more of it is known', async () => {
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

  it('invoke() resolves to the complete value', async () => {
    const answer = '{"a": [1, {"b": null}]}'
    expect(await answering(answer).invoke('Go')).toEqual({ a: [1, { b: null }] })
    expect(await parser.invoke(answer)).toEqual({ a: [1, { b: null }] })
    expect(await parser.invoke({ role: 'assistant', content: answer })).toEqual({ a: [1, { b: null }] })
    const content = [
      { type: 'reasoning', text: '{"no": 1}' },
      { type: 'text', text: '{"a"' },
      { type: 'text', text: ': 1}' },
    ] as const
    expect(await parser.invoke({ role: 'assistant', content })).toEqual({ a: 1 })
  })

  it('accepts messages of steps that do not stream and strings of steps that do', async () => {
    const message = lambda((content: string): AssistantMessage => ({ role: 'assistant', content }))
    expect(await message.pipe(parser).invoke('[1]')).toEqual([1])
    const strings = lambda(function* (text: string) {
      yield* text
    })
    expect(await strings.pipe(parser).invoke('[1, 23]')).toEqual([1, 23])
  })

  it('ignores reasoning, tool calls and usage', async () => {
    const answer: ScriptedAnswer = [
      { type: 'reasoning', text: '{"no": 1}' },
      { type: 'text', text: '{"a":' },
      { type: 'tool-call', index: 0, id: 'x', name: 'f', args: '{"no": 2}' },
      { type: 'usage', usage: { outputTokens: 3 } },
      { type: 'text', text: ' 1}' },
      { type: 'stop', reason: 'end_turn' },
    ]
    expect(await answering(answer).invoke('Go')).toEqual({ a: 1 })
  })

  it('pipe() passes the complete value to functions and chunks to transformers', async () => {
    const chain = answering(['{"a":', '"x', 'y"}'])
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

  it('emits a run of kind parser whose output is the value', async () => {
    const events: RunEvent[] = []
    await answering('{"a": 1}').invoke('Go', { callbacks: [(event) => void events.push(event)] })
    expect(events.filter(({ run }) => run.kind === 'parser')).toMatchObject([
      { type: 'start', run: { name: 'JsonOutputParser' } },
      { type: 'end', output: { a: 1 } },
    ])
  })

  it('reports the partial value if the run is stopped', async () => {
    const events: RunEvent[] = []
    const run = answering(['{"a": "x', 'y', 'z"}']).stream('Go', { callbacks: [(event) => void events.push(event)] })
    for await (const chunk of run) if ((chunk as { a: string }).a === 'xy') break
    expect(await run.outcome).toMatchObject({ status: 'aborted', partial: { a: 'xy' } })
    expect(events.find(({ type, run }) => type === 'error' && run.kind === 'parser')).toMatchObject({ partial: { a: 'xy' } })
  })

  it('handles concurrent runs', async () => {
    const chain = lambda(async function* (text: string) {
      yield* text
    }).pipe(parser)
    expect(await chain.batch(['{"a": 1}', '[2]', '{"c": [3]}'])).toEqual([{ a: 1 }, [2], { c: [3] }])
  })

  it('getFormatInstructions() contains no braces', () => {
    expect(parser.getFormatInstructions()).toMatch(/^[^{}]*JSON[^{}]*$/)
  })

  it.each([
    [5, 'a number'],
    [null, 'null'],
    [{ animal: 'bears' }, 'an object with animal'],
  ])('rejects the input %j with invalid_input', async (input, described) => {
    await expect(parser.invoke(input as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(new RegExp(`JsonOutputParser: expected .* but received ${described}`)),
    })
  })
})

describe('JsonOutputParser skips text around JSON', () => {
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
    // Code of another language before the JSON
    [`${fence}python\nx = {"a": [{"b": 1}]}\n${fence}\n${fence}json\n{"a": 1}\n${fence}`, { a: 1 }],
    [`${fence}python\nprint(["x"])\n${fence}\n\nIt prints: {"a": 1}`, { a: 1 }],
    [`${fence}ts\nf({\n  "x": [\n{"y": 1}]})\n${fence}\n[{"a": 1}]`, [{ a: 1 }]],
    [`~~~sh\ncurl -d '{"x": 1}' host\n~~~\nThe answer: {"a": 1}`, { a: 1 }],
    [`${fence}javascript\n{"a": 1}\n${fence}`, { a: 1 }],
    [`${fence}yaml\nlist: []\n${fence}\n{"a": 1}`, { a: 1 }],
    [`${fence}json\n[1, 2\n${fence}\nCorrected:\n${fence}json\n[1, 2]\n${fence}`, [1, 2]],
    // Prose that looks like JSON, or JSON in a sentence
    ['I fill in {"title"} as you asked.\n{"title": "T"}', { title: 'T' }],
    ['You asked for {"title": string}. Here it is: {"title": "T"}', { title: 'T' }],
    ['You gave {"title": "string"}.\n\n{"title": "T"}', { title: 'T' }],
    ['As [["Bears"]] says: {"title": "T"}', { title: 'T' }],
    ['[1] is my source, and {"a": 1} the answer', { a: 1 }],
    ['[ ] to do: {"a": 1}', { a: 1 }],
    ['Given {"q": {"x": 1}} I answer:\n- {"a": {"x": 2}}', { a: { x: 2 } }],
    ['Both {"a": 1} and {"b": 2} are right.', { a: 1 }],
    ['{"a": 1}\n\nUse it as in:\n{"b": 2}', { a: 1 }],
    ['<answer>{"a": 1}</answer>', { a: 1 }],
    // What is empty, or holds only numbers
    ['Nothing was found: []', []],
    ['Nothing was found: {}.', {}],
    ['Here they are:\n\n[1, 2, 3]\n', [1, 2, 3]],
    ['[7]', [7]],
    [`${fence}json\n[7]\n${fence}`, [7]],
    ['See [1] and [x]: nothing.\n[true, null]\n', [true, null]],
    // Control characters in strings
    ['{"mail": "Dear all,\n\n\tbye\r\n"}', { mail: 'Dear all,\n\n\tbye\r\n' }],
    [`{"code": "${fence}js\nx\n${fence}"}`, { code: `${fence}js\nx\n${fence}` }],
    // Thinking
    ['<think>\nMaybe {"draft": true}?\n</think>\n{"a": 1}', { a: 1 }],
    ['Maybe {"draft": true}?\n</think>\n{"a": 1}', { a: 1 }],
    ['Maybe {"draft": "tr\n</think>\n{"a": 1}', { a: 1 }],
    ['Sure. <think>Or {"draft": true}</think> {"a": 1}', { a: 1 }],
    ['<think>Either ["a"] or ["b"].</think>["b"]', ['b']],
    ['<think>["a"]</think>["b"]\n<think>Was it ["c"]?</think>', ['b']],
    ['<THINKING>{"x": 1}</THINKING>\n\n<reasoning>{"y": 1}</reasoning>{"a": 1}', { a: 1 }],
    ['[THINK]{"x": 1}[/THINK]{"a": 1}', { a: 1 }],
    ['◁think▷{"x": 1}◁/think▷{"a": 1}', { a: 1 }],
    ['<|channel|>analysis<|message|>{"x": 1}<|end|><|start|>assistant<|channel|>final<|message|>{"a": 1}', { a: 1 }],
    ['<think>It is 41.</think>\n42', 42],
    ['{"html": "<think>a</think> b", "c": ["</think>"]}', { html: '<think>a</think> b', c: ['</think>'] }],
    ['{"a": "x < y", "b": "[THINK"} <', { a: 'x < y', b: '[THINK' }],
  ]

  it.each(answers)('%j', async (answer, value) => {
    expect(await parser.invoke(answer)).toEqual(value)
  })

  it('wherever the answer is split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...answers), fc.array(fc.nat(), { maxLength: 8 }), async ([answer, value], places) => {
        const at = [0, ...places.map((place) => place % (answer.length + 1)).sort((a, b) => a - b), answer.length]
        const { chunks, outcome } = await parsed(at.slice(1).map((end, i) => answer.slice(at[i], end)))
        expect(outcome).toMatchObject({ status: 'complete', output: value })
        expect(chunks.at(-1)).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('and yields the values that it takes for the answer until another one is found', async () => {
    const { chunks } = await parsed(['You gave {"title"', ': "string', '"}.\n', '\n', '{"title', '": "T"}'])
    expect(chunks).toEqual([{}, { title: 'string' }, {}, { title: 'T' }])
    expect((await parsed(['Maybe {"a": 1}', '?</thi', 'nk>', '{"a": 2', '}'])).chunks).toEqual([{ a: 1 }, {}, { a: 2 }])
    expect((await parsed(['<thi', 'nk>{"a": 1}', '?</think>', '{"a": 2}'])).chunks).toEqual([{ a: 2 }])
  })

  it('and yields no chunk for it', async () => {
    expect((await parsed(['See [', '1] {', 'x}: ', '{ ', '"a": ', '1} and {"', 'b": 2}'])).chunks).toEqual([{}, { a: 1 }])
  })
})

describe('JsonOutputParser with an invalid answer', () => {
  it.each<[answer: string, message: RegExp]>([
    ['', /^The answer contains no JSON/],
    ['Sorry, I cannot do that.', /no JSON.*Answer: Sorry, I cannot do that\.$/],
    ['See [1] and {name}.', /no JSON/],
    ['{"a": 1, b: 2}', /^Unexpected "b": expected a key, at position 9\..*Answer: \{"a": 1, b: 2\}$/],
    ['Well: {"a": True}', /^Unexpected "T": expected a value, at position 6\./],
    ['{"a": 1, "b": {"c": "d', /^Incomplete JSON: it ends in a string, at position 22\..*maxTokens/],
    ['<think>{"a": 1}', /^The answer ends before its thinking does/],
    ['{"a": 1}</think>', /no JSON/],
    ['<think>{"a": 1}</think> Sorry.', /no JSON/],
    ['```python\nx = {"a": 1}\n```', /no JSON/],
    ['Given {"q": "x"}, I answer:\n{"a": True}', /Unexpected "T"/],
    ['Given {"q": "x"}, I answer:\n{"a": [1, 2', /Incomplete JSON/],
    ['{"a": "</think> 42', /ends in a string/],
    ['See:\n[1] https://example.org\n[2] https://example.net', /no JSON/],
    ['```json\n[1, 2\n```', /^"2\\n```" is not valid JSON|Unexpected "`": expected , or the end/],
  ])('rejects %j with output_parser and the problem', async (answer, message) => {
    expect(await failure(answer)).toMatchObject({ name: 'ChaintapError', code: 'output_parser', message: expect.stringMatching(message) })
  })

  it('shows an excerpt of a long answer in the error', async () => {
    const { message, cause } = await failure(`${'x'.repeat(1_000)} {"a": "${'y'.repeat(1_000)}", here: "${'z'.repeat(1_000)}"}`)
    expect(message).toMatch(/Answer: …y+", here: "z+…$/)
    expect(message.length).toBeLessThan(400)
    expect(cause).toMatchObject({ code: 'invalid_json' })
    expect((await failure('no '.repeat(1_000))).message.length).toBeLessThan(400)
  })

  it("fails after the answer: the model's run ends normally, and the known value is yielded first", async () => {
    const events: RunEvent[] = []
    const run = answering(['{"a": 1, ', 'b', ' and', ' more']).stream('Go', { callbacks: [(event) => void events.push(event)] })
    const chunks: unknown[] = []
    const read = async () => {
      for await (const chunk of run) chunks.push(chunk)
    }
    await expect(read()).rejects.toMatchObject({ code: 'output_parser' })
    expect(chunks).toEqual([{ a: 1 }])
    expect(await run.outcome).toMatchObject({ status: 'failed', partial: { a: 1 } })
    expect(events.filter(({ type }) => type === 'end' || type === 'error').map(({ type, run }) => `${run.kind} ${type}`)).toEqual([
      'chat_model end',
      'parser error',
      'chain error',
    ])
  })

  it('never returns a part of a broken value', async () => {
    const broken = fc.constantFrom('{"a": 1, b: ?}', '{"a": [?, }', '[{"x": ?} y]', '{"a": tru, "b": ?}', '["\\x", ?]', '{"a": "}", ?: 1}')
    const value = fc.constantFrom('{"c": 2}', '[["c"]]', '\n{"c": 2}\n', '{"c": "]}"}', '\n- {"c": ": {"}')
    await fc.assert(
      fc.asyncProperty(broken, value, async (text, inner) => {
        await expect(parser.invoke(text.replace('?', inner))).rejects.toMatchObject({ code: 'output_parser' })
      }),
    )
  })

  it('never returns a nested value in place of the complete one', async () => {
    expect((await failure('{"a": 1, b: {"c": 2}}')).message).toContain('Unexpected "b"')
    expect((await parsed(['{"a": 1, ', 'b: ', '{"c": 2}}'])).outcome.status).toBe('failed')
  })
})
