// What a page downloads, gzipped, against its budgets: the chat program, and each entry of the package whole.
import { join } from 'node:path'
import { entries } from './entries.mjs'
import { sizeOf } from './size/measure.mjs'
import { root } from './support.mjs'

const chat = 'chat from Anthropic through a chain, one handler, tokens counted'

/**
 * KB. Those of the chat program and of `chaintap` are DESIGN's; the others are ceilings that hold what is there: its size, and 5 %.
 * @type {Readonly<Record<string, number>>}
 */
const budgets = {
  [chat]: 8,
  chaintap: 12,
  'chaintap/anthropic': 19.3,
  'chaintap/agents': 17.5,
  'chaintap/chains': 11.7,
  'chaintap/openai': 19.3,
  'chaintap/edge': 13.6,
  'chaintap/tools': 17.4,
  'chaintap/retrievers': 11.5,
  'chaintap/testing': 20.1,
  'chaintap/json': 3.8,
}

let failures = 0
for (const { name, source } of [{ name: chat, source: 'scripts/size/chat.ts' }, ...entries]) {
  const budget = budgets[name]
  const size = await sizeOf(join(root, source)).catch(() => undefined)
  const isOver = budget === undefined || size === undefined || size.atOnce > budget
  if (isOver) failures += 1
  const text = size === undefined ? 'does not bundle' : `${size.atOnce.toFixed(2)} KB`
  const limit = budget === undefined ? 'no budget in scripts/size.mjs' : `of ${budget.toFixed(1).padStart(4)} KB`
  const later = size?.onDemand ? ` (and ${size.onDemand.toFixed(2)} KB on demand)` : ''
  console.log(`${isOver ? 'OVER' : 'ok  '}  ${text.padStart(9)} ${limit}  ${name}${later}`)
}
process.exitCode = failures === 0 ? 0 : 1
