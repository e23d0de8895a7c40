import { recorder, scriptedModel } from 'chaintap/testing'
import { calculator, llmMath, loadTools, type ToolName } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'

describe('calculator', () => {
  test('works out an expression', async () => {
    expect(await calculator.invoke('(17 + 4) * 2')).toBe('42')
    expect(await calculator.invoke({ id: '1', name: 'Calculator', args: { input: '2 ** 10' } })).toMatchObject({ content: '1024' })
  })

  test.each([
    ['1 / 0', /divided by zero/],
    ['x = 5', /no "x"/],
    ['constructor.constructor("return 1")()', /no "constructor"/],
    ['1+'.repeat(524_288), /more than 10000 characters/],
  ])('what has no value is an error of the run: %.40s', async (expression, message) => {
    const heard = recorder()
    const failed = calculator.invoke(expression, { callbacks: [heard] })
    await expect(failed).rejects.toMatchObject({ code: 'invalid_arguments', message: expect.stringMatching(message) })
    expect(heard.trace()).toEqual(['S Calculator', 'X Calculator'])
  })
})

describe('llmMath', () => {
  const fenced = 'It is a power.\n```text\n2 ** 0.235\n```\n'

  test('asks the model for an expression and works it out', async () => {
    const heard = recorder()
    const model = scriptedModel([fenced])
    expect(await llmMath(model).invoke('What is 2 raised to the 0.235 power?', { callbacks: [heard] })).toBe(`Answer: ${2 ** 0.235}`)
    heard.check()
    expect(heard.trace()).toEqual([
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

  test('the tokens of the model are heard in a stream, and the tool answers in one piece', async () => {
    const heard = recorder()
    const math = llmMath(scriptedModel([['```text\n', '6 * 7', '\n```']]))
    const chunks: string[] = []
    for await (const chunk of math.stream('What is six times seven?', { callbacks: [heard] })) chunks.push(chunk)
    expect(chunks).toEqual(['Answer: 42'])
    expect(heard.events.flatMap((event) => (event.type === 'token' ? event.token : []))).toEqual(['```text\n', '6 * 7', '\n```'])
  })

  test('asks the model to stop before it makes up the output, where it can be told', async () => {
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
    ['an answer alone', 'Answer: 2', 'Answer: 2'],
    ['an answer at the end', 'That is easy. Answer: 1, no: Answer: 2\n', 'Answer: 2'],
  ])('takes %s', async (_, said, answer) => {
    expect(await llmMath(scriptedModel([said])).invoke('1 and 1')).toBe(answer)
  })

  test.each([
    ['neither', 'I cannot do sums.', 'invalid_input'],
    ['no arithmetic', '```text\nimport os\n```', 'invalid_arguments'],
    ['a division by zero', '```text\n1 / 0\n```', 'invalid_arguments'],
  ])('%s is an error of the tool', async (_, said, code) => {
    const heard = recorder()
    await expect(llmMath(scriptedModel([said])).invoke('x', { callbacks: [heard] })).rejects.toMatchObject({ code })
    heard.check()
    expect(heard.trace().slice(-2)).toEqual(['X LLMMathChain', 'X Calculator'])
  })

  test('braces in the question are braces', async () => {
    const model = scriptedModel(['Answer: 1'])
    await llmMath(model).invoke('How many are in {1}?')
    expect(JSON.stringify(model.record.inputs)).toContain('How many are in {1}?')
  })
})

describe('loadTools', () => {
  const llm = scriptedModel(['```text\n1 + 1\n```'])

  test('makes the tools of those names', async () => {
    const [math, plain] = loadTools(['llm-math', 'calculator'], { llm })
    expect(await math?.invoke('one and one')).toBe('Answer: 2')
    expect(await plain?.invoke('1 + 1')).toBe('2')
    expect([math?.name, plain?.name]).toEqual(['Calculator', 'Calculator'])
  })

  test('callbacks are those of the tools alone', async () => {
    const heard = recorder()
    for (const tool of loadTools(['llm-math', 'calculator'], { llm, callbacks: [heard] })) await tool.invoke('1 + 1')
    expect(heard.trace()).toEqual(['S Calculator', 'E Calculator', 'S Calculator', 'E Calculator'])
  })

  test.each([
    ['an unknown name', ['serpapi'], /no tool "serpapi" to load\. Known are calculator, llm-math\./],
    ['a name of every object', ['constructor'], /no tool "constructor"/],
    ['a tool that asks a model, without one', ['llm-math'], /llm-math asks a model: loadTools\(\['llm-math'\], \{ llm \}\)/],
  ])('%s is an error', (_, names, message) => {
    expect(() => loadTools(names as ToolName[])).toThrow(
      expect.objectContaining({ code: 'invalid_options', message: expect.stringMatching(message) }),
    )
  })
})
