import { recorder, scriptedModel } from 'chaintap/testing'
import { calculator, llmMath, loadTools, type ToolName } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'

describe('calculator', () => {
  test('evaluates an expression', async () => {
    expect(await calculator.invoke('(17 + 4) * 2')).toBe('42')
    expect(await calculator.invoke({ id: '1', name: 'Calculator', args: { input: '2 ** 10' } })).toMatchObject({ content: '1024' })
  })

  test.each([
    ['1 / 0', /Division by zero/],
    ['x = 5', /There is no "x"/],
    ['constructor.constructor("return 1")()', /There is no "constructor"/],
    ['1+'.repeat(524_288), /more than 10000 characters/],
  ])('rejects with invalid_arguments for %.40s', async (expression, message) => {
    const recorded = recorder()
    const failed = calculator.invoke(expression, { callbacks: [recorded] })
    await expect(failed).rejects.toMatchObject({ code: 'invalid_arguments', message: expect.stringMatching(message) })
    expect(recorded.trace()).toEqual(['S Calculator', 'X Calculator'])
  })
})

describe('llmMath', () => {
  const fenced = 'It is a power.\n```text\n2 ** 0.235\n```\n'

  test('evaluates the expression that the model writes', async () => {
    const recorded = recorder()
    const model = scriptedModel([fenced])
    expect(await llmMath(model).invoke('What is 2 raised to the 0.235 power?', { callbacks: [recorded] })).toBe(`Answer: ${2 ** 0.235}`)
    recorded.check()
    expect(recorded.trace()).toEqual([
      'S Calculator',
      'S LLMMathChain<Calculator',
      'TXT What is 2 raised to the 0.235 power?',
      'S LLMChain<LLMMathChain',
      expect.stringMatching(/^TXT .*Question: What is 2 raised to the 0\.235 power\?/s),
      'S ScriptedModel<LLMChain',
      'E ScriptedModel',
      'E LLMChain',
      expect.stringMatching(/^TXT It is a power\./),
      expect.stringMatching(/^TXT \s*Answer: $/),
      `TXT ${2 ** 0.235}`,
      'E LLMMathChain',
      'E Calculator',
    ])
  })

  test("stream() emits the model's tokens and yields the answer as one chunk", async () => {
    const recorded = recorder()
    const math = llmMath(scriptedModel([['```text\n', '6 * 7', '\n```']]))
    const chunks: string[] = []
    for await (const chunk of math.stream('What is six times seven?', { callbacks: [recorded] })) chunks.push(chunk)
    expect(chunks).toEqual(['Answer: 42'])
    expect(recorded.events.flatMap((event) => (event.type === 'token' ? event.token : []))).toEqual(['```text\n', '6 * 7', '\n```'])
  })

  test('binds a stop sequence before the output if the model has bind()', async () => {
    const bound: unknown[] = []
    const model = Object.assign(scriptedModel(['```text\n1 + 1\n']), {
      bind(options: object) {
        bound.push(options)
        return this
      },
    })
    expect(await llmMath(model).invoke('1 and 1')).toBe('Answer: 2')
    expect(bound).toEqual([{ stop: ['```output'] }])
  })

  test.each([
    ['a block without a name', '```\n1 + 1\n```', 'Answer: 2'],
    ['a block in one line', '```text 1 + 1```', 'Answer: 2'],
    ['a block after one in the thinking', '<think>Or\n```text\n3 + 3\n```?</think>\n```text\n1 + 1\n```', 'Answer: 2'],
    ['a block after thinking that the prompt opened', 'Answer: 3?\n</think>```text\n1 + 1\n```', 'Answer: 2'],
    ['only an answer', 'Answer: 2', 'Answer: 2'],
    ['an answer at the end', 'That is easy. Answer: 1, no: Answer: 2\n', 'Answer: 2'],
  ])('accepts %s', async (_, answer, output) => {
    expect(await llmMath(scriptedModel([answer])).invoke('1 and 1')).toBe(output)
  })

  test.each([
    ['an answer with neither', 'I cannot do sums.', 'invalid_input'],
    ['code that is not arithmetic', '```text\nimport os\n```', 'invalid_arguments'],
    ['a division by zero', '```text\n1 / 0\n```', 'invalid_arguments'],
  ])('%s fails the tool', async (_, answer, code) => {
    const recorded = recorder()
    await expect(llmMath(scriptedModel([answer])).invoke('x', { callbacks: [recorded] })).rejects.toMatchObject({ code })
    recorded.check()
    expect(recorded.trace().slice(-2)).toEqual(['X LLMMathChain', 'X Calculator'])
  })

  test('does not parse braces in the question as variables', async () => {
    const model = scriptedModel(['Answer: 1'])
    await llmMath(model).invoke('How many are in {1}?')
    expect(JSON.stringify(model.record.inputs)).toContain('How many are in {1}?')
  })
})

describe('loadTools', () => {
  const llm = scriptedModel(['```text\n1 + 1\n```'])

  test('creates tools by name', async () => {
    const [math, plain] = loadTools(['llm-math', 'calculator'], { llm })
    expect(await math?.invoke('one and one')).toBe('Answer: 2')
    expect(await plain?.invoke('1 + 1')).toBe('2')
    expect([math?.name, plain?.name]).toEqual(['Calculator', 'Calculator'])
  })

  test('passes callbacks to the tools only', async () => {
    const recorded = recorder()
    for (const tool of loadTools(['llm-math', 'calculator'], { llm, callbacks: [recorded] })) await tool.invoke('1 + 1')
    expect(recorded.trace()).toEqual(['S Calculator', 'E Calculator', 'S Calculator', 'E Calculator'])
  })

  test.each([
    ['an unknown name', ['serpapi'], /unknown tool "serpapi"\. Use one of calculator, llm-math\./],
    ['a property name of objects', ['constructor'], /unknown tool "constructor"/],
    ['llm-math without a model', ['llm-math'], /llm-math requires a model: loadTools\(\['llm-math'\], \{ llm \}\)/],
  ])('throws invalid_options for %s', (_, names, message) => {
    expect(() => loadTools(names as ToolName[])).toThrow(
      expect.objectContaining({ code: 'invalid_options', message: expect.stringMatching(message) }),
    )
  })
})
