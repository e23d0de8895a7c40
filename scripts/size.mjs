// Compares what a page downloads, gzipped, with its budgets: the chat program, and each whole entry of the package.
import { join } from 'node:path'
import { entries } from './entries.mjs'
import { addedBy, sizeOf } from './size/measure.mjs'
import { root } from './support.mjs'

const chat = 'chat from Anthropic through a chain, one handler, tokens counted'
const log = 'added by a log in IndexedDB'

/**
 * Ceilings in KB: the size when they were set, plus 5 %. `aim` is the design's budget, if it has one; bench/notes.md explains the
 * difference.
 * @type {Readonly<Record<string, { readonly ceiling: number, readonly aim?: number }>>}
 */
const budgets = {
  [chat]: { ceiling: 28.1, aim: 8 },
  [log]: { ceiling: 5 },
  chaintap: { ceiling: 28.4, aim: 12 },
  'chaintap/advanced': { ceiling: 1.9 },
  'chaintap/anthropic': { ceiling: 26.3 },
  'chaintap/agents': { ceiling: 22.6 },
  'chaintap/chains': { ceiling: 13.8 },
  'chaintap/openai': { ceiling: 28.0 },
  'chaintap/workers-ai': { ceiling: 26.8 },
  'chaintap/browser-ai': { ceiling: 18.6 },
  'chaintap/durable': { ceiling: 25.0 },
  'chaintap/ai-sdk': { ceiling: 5 },
  'chaintap/edge': { ceiling: 22.6 },
  'chaintap/remote': { ceiling: 21.8 },
  'chaintap/tools': { ceiling: 20.3 },
  'chaintap/retrievers': { ceiling: 13.7 },
  'chaintap/viewer': { ceiling: 12.7, aim: 10 },
  'chaintap/log': { ceiling: 12.2 },
  'chaintap/log-export': { ceiling: 6.9 },
  'chaintap/durable-log': { ceiling: 10 },
  'chaintap/replay': { ceiling: 15.7 },
  'chaintap/indexeddb': { ceiling: 7, aim: 5 },
  'chaintap/testing': { ceiling: 22.9 },
  'chaintap/langchain': { ceiling: 6 },
  'chaintap/json': { ceiling: 3.8 },
  'chaintap/tokens': { ceiling: 6.3 },
  'chaintap/meter': { ceiling: 10.2 },
  'chaintap/async-context': { ceiling: 5.3 },
  'chaintap/genai-prices': { ceiling: 1 },
}

const chatSource = 'scripts/size/chat.ts'
const programs = [
  { name: chat, source: chatSource },
  { name: log, source: 'scripts/size/chat-log.ts', over: chatSource },
]

let failures = 0
for (const { name, source, over } of [...programs, ...entries.map((entry) => ({ ...entry, over: undefined }))]) {
  const budget = budgets[name]
  const measured = over === undefined ? sizeOf(join(root, source)) : addedBy(join(root, source), join(root, over))
  const size = await measured.catch(() => undefined)
  const isOver = budget === undefined || size === undefined || size.atOnce > budget.ceiling
  if (isOver) failures += 1
  const text = size === undefined ? 'does not bundle' : `${size.atOnce.toFixed(2)} KB`
  const limit = budget === undefined ? 'has no ceiling in scripts/size.mjs' : `of ${budget.ceiling.toFixed(1).padStart(4)} KB`
  const aim = budget?.aim && size && size.atOnce > budget.aim ? `, over the aim of ${budget.aim} KB` : ''
  const later = size?.onDemand ? ` (and ${size.onDemand.toFixed(2)} KB on demand)` : ''
  console.log(`${isOver ? 'OVER' : 'ok  '}  ${text.padStart(9)} ${limit}  ${name}${later}${aim}`)
}
process.exitCode = failures === 0 ? 0 : 1
