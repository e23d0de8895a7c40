import { StringOutputParser, UserStop } from 'chaintap'
import { decoder, encoder } from 'chaintap/json'
import { type ScriptedAnswer, scriptedModel } from 'chaintap/testing'
import { beforeEach, expect, it } from 'vitest'
import { RunTree } from '../../playground/tree.ts'

let list: HTMLUListElement
let tree: RunTree

beforeEach(() => {
  list = document.createElement('ul')
  tree = new RunTree(list)
})

/** Shows the events of a chain, encoded and decoded as on the wire. */
async function show(answer: ScriptedAnswer): Promise<void> {
  const [encode, decode] = [encoder(), decoder()]
  const chain = scriptedModel([answer]).pipe(new StringOutputParser())
  try {
    for await (const event of chain.events('<b>hi</b>')) tree.show(decode(encode(event)))
  } catch {
    // The error is shown as an event.
  }
}

const lines = () => [...list.querySelectorAll('summary')].map((line) => line.textContent.replace(/\d+ ms/, 'N ms'))

it('RunTree shows a failed run with its error and partial output, as text', async () => {
  await show({ tokens: ['<i>17</i>', ' sheep'], error: new Error('<b>no</b> more') })
  expect(lines()).toEqual([
    'chainRunnableSequenceerrorN ms',
    'chat modelScriptedModelerrorN ms · 2 tokens',
    'parserStringOutputParsererrorN ms',
  ])
  const model = list.querySelector('[data-kind=chat_model] .values')
  expect(model?.textContent).toContain('ErrorError: <b>no</b> more')
  expect(model?.textContent).toContain('<i>17</i> sheep')
  expect(list.querySelectorAll('b, i')).toHaveLength(0)
})

it('RunTree distinguishes stopped from failed runs', async () => {
  await show({ tokens: ['17', ' sheep'], error: new UserStop() })
  expect([...list.querySelectorAll('.state')].map(({ textContent }) => textContent)).toEqual(['stopped', 'stopped', 'stopped'])
  tree.clear()
  await show(['17'])
  expect([...list.querySelectorAll('.state')].map(({ textContent }) => textContent)).toEqual(['ended', 'ended', 'ended'])
})

it('RunTree ignores an event of a run whose start it has not received', () => {
  const decode = decoder()
  tree.show(decode('{"run":"018f","at":1,"seq":7,"type":"token","token":"17"}'))
  expect(list.childElementCount).toBe(0)
})
