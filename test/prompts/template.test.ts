import { ChaintapError, PromptTemplate } from 'chaintap'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const render = (template: string, values: Record<string, string> = {}) => new PromptTemplate(template).format(values)

function problem(template: string): ChaintapError {
  try {
    new PromptTemplate(template)
  } catch (error) {
    if (error instanceof ChaintapError && error.code === 'invalid_template') return error
    throw error
  }
  throw new Error(`${template} was taken for a template`)
}

describe('a template', () => {
  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['{foo}', 'bar'],
    ['{{pre{foo}post}}', '{prebarpost}'],
    ['{{{foo}}}', '{bar}'],
    ['}}{{', '}{'],
    ['{{{{foo}}}}', '{{foo}}'],
    ['{foo}{foo}', 'barbar'],
  ])('%j with foo = bar is %j', async (template, text) => {
    expect(await render(template, { foo: 'bar' })).toBe(text)
  })

  it.each(['x!r', 'x:>4', 'a.b', 'a[0]', ' x ', 'x\ny', '$', '__proto__', 'constructor'])(
    'takes %j as a name, and does nothing with it',
    async (name) => {
      expect(await render(`<{${name}}>`, { [name]: 'v' })).toBe('<v>')
    },
  )

  it('with its braces doubled is the text itself', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('{', '}', 'a', '\n', '🌍') }), async (text) => {
        expect(await render(text.replaceAll(/[{}]/g, '$&$&'))).toBe(text)
      }),
    )
  })

  it('never reads a value as a template', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('{', '}', 'x', '$', '&', "'") }), async (value) => {
        expect(await render('<{x}|{y}>', { x: value, y: '{x}' })).toBe(`<${value}|{x}>`)
      }),
    )
  })
})

describe('a wrong template', () => {
  it.each([
    ['a {', /This \{ is never closed \(at 1:3\)/],
    ['a {b', /never closed \(at 1:3\)/],
    ['{a{b}', /never closed \(at 1:1\)/],
    ['a }', /This \} closes nothing \(at 1:3\)/],
    ['{x}}', /closes nothing \(at 1:4\)/],
    ['one\ntwo {', /never closed \(at 2:5\)/],
    ['one\r\ntwo }', /closes nothing \(at 2:5\)/],
    ['{}', /no name \(at 1:1\)/],
    ['Like { "a": 1 }', /looks like JSON.*\(at 1:6\)/],
    ['{\n  "a": {x}\n}', /never closed \(at 1:1\)/],
  ])('%j says what is wrong, where, and to double the braces', (template, told) => {
    expect(problem(template).message).toMatch(told)
    expect(problem(template).message).toContain('{{ and }}')
  })

  it('is shown with a mark below the place', () => {
    const lines = problem('first\nsecond\t} line\nthird').message.split('\n')
    expect(lines.slice(1)).toEqual(['  second } line', `  ${' '.repeat('second '.length)}^`])
  })

  it('is shown around the place only, where its line is long', () => {
    const [, shown = '', mark = ''] = problem(`${'x'.repeat(10_000)}}${'y'.repeat(10_000)}`).message.split('\n')
    expect(shown.length).toBeLessThan(100)
    expect(shown[mark.indexOf('^')]).toBe('}')
  })
})
