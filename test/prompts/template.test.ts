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
  throw new Error(`${template} was accepted`)
}

describe('PromptTemplate syntax', () => {
  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['{foo}', 'bar'],
    ['{{pre{foo}post}}', '{prebarpost}'],
    ['{{{foo}}}', '{bar}'],
    ['}}{{', '}{'],
    ['{{{{foo}}}}', '{{foo}}'],
    ['{foo}{foo}', 'barbar'],
  ])('renders %j with foo = bar as %j', async (template, text) => {
    expect(await render(template, { foo: 'bar' })).toBe(text)
  })

  it.each(['x!r', 'x:>4', 'a.b', 'a[0]', ' x ', 'x\ny', '$', '__proto__', 'constructor'])(
    'uses %j as a plain variable name',
    async (name) => {
      expect(await render(`<{${name}}>`, { [name]: 'v' })).toBe('<v>')
    },
  )

  it('renders any text unchanged if its braces are doubled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('{', '}', 'a', '\n', '🌍') }), async (text) => {
        expect(await render(text.replaceAll(/[{}]/g, '$&$&'))).toBe(text)
      }),
    )
  })

  it('never parses a value as a template', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('{', '}', 'x', '$', '&', "'") }), async (value) => {
        expect(await render('<{x}|{y}>', { x: value, y: '{x}' })).toBe(`<${value}|{x}>`)
      }),
    )
  })
})

describe('PromptTemplate with an invalid template', () => {
  it.each([
    ['a {', /Unclosed \{ \(at 1:3\)/],
    ['a {b', /Unclosed \{ \(at 1:3\)/],
    ['{a{b}', /Unclosed \{ \(at 1:1\)/],
    ['a }', /Unmatched \} \(at 1:3\)/],
    ['{x}}', /Unmatched \} \(at 1:4\)/],
    ['one\ntwo {', /Unclosed \{ \(at 2:5\)/],
    ['one\r\ntwo }', /Unmatched \} \(at 2:5\)/],
    ['{}', /Empty variable name \{\} \(at 1:1\)/],
    ['Like { "a": 1 }', /found JSON.*\(at 1:6\)/],
    ['{\n  "a": {x}\n}', /Unclosed \{ \(at 1:1\)/],
  ])('%j throws with the problem, the position and the hint to double braces', (template, expected) => {
    expect(problem(template).message).toMatch(expected)
    expect(problem(template).message).toContain('{{ and }}')
  })

  it('the message shows the line with a mark below the position', () => {
    const lines = problem('first\nsecond\t} line\nthird').message.split('\n')
    expect(lines.slice(1)).toEqual(['  second } line', `  ${' '.repeat('second '.length)}^`])
  })

  it('the message shows an excerpt of a long line', () => {
    const [, shown = '', mark = ''] = problem(`${'x'.repeat(10_000)}}${'y'.repeat(10_000)}`).message.split('\n')
    expect(shown.length).toBeLessThan(100)
    expect(shown[mark.indexOf('^')]).toBe('}')
  })
})
