// The libraries of each wire format, in the order of the tables' columns.
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/support.mjs'

/**
 * @typedef {object} Listed
 * @property {string} name
 * @property {'anthropic' | 'openai'} wire
 * @property {string} adapter the module whose default export is a Library
 * @property {string} [program] the chat program whose size is measured, in the library's own idiom
 */

export const peersFolder = join(root, 'bench/peers')

const ours = join(root, 'bench/lib')
const chat = join(root, 'scripts/size')

/** @param {Listed['wire']} wire @param {string} name @param {string} file @returns {Listed} */
const peer = (wire, name, file) => ({
  name,
  wire,
  adapter: join(peersFolder, wire, `${file}.ts`),
  ...(!file.endsWith('-helper') && { program: join(peersFolder, 'size', wire, `${file}.ts`) }),
})

/** @type {readonly Listed[]} */
export const libraries = [
  { name: 'chaintap', wire: 'anthropic', adapter: join(ours, 'ours-anthropic.ts'), program: join(chat, 'chat.ts') },
  peer('anthropic', 'Anthropic SDK', 'sdk'),
  peer('anthropic', 'Anthropic SDK, helper', 'sdk-helper'),
  peer('anthropic', 'AI SDK', 'ai-sdk'),
  peer('anthropic', 'LangChain', 'langchain'),
  { name: 'chaintap', wire: 'openai', adapter: join(ours, 'ours-openai.ts'), program: join(chat, 'chat-openai.ts') },
  peer('openai', 'openai', 'sdk'),
  peer('openai', 'openai, helper', 'sdk-helper'),
  peer('openai', 'xsAI', 'xsai'),
  peer('openai', 'AI SDK', 'ai-sdk'),
  peer('openai', 'LangChain', 'langchain'),
]

/**
 * Returns the libraries of a row: those of its wire format, or chaintap and its reference. @param {string} row @returns {readonly Listed[]}
 */
export function librariesOf(row) {
  if (row !== 'cold') return libraries.filter(({ wire }) => row.startsWith(`peers-${wire}-`))
  return [...libraries.slice(0, 1), { name: 'the bare loop', wire: 'anthropic', adapter: join(ours, 'bare-anthropic.ts') }]
}

/** @returns {Readonly<Record<string, string>>} */
export const peerVersions = () => JSON.parse(readFileSync(join(peersFolder, 'package.json'), 'utf8')).dependencies

/** Runs npm ci in the peers' folder if the installed packages differ from its lockfile. */
export function installPeers() {
  const changed = (/** @type {string} */ file) => statSync(join(peersFolder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
  // npm writes the second file when it is done.
  if (changed('package-lock.json') <= changed('node_modules/.package-lock.json')) return
  console.log('Installing the peers into bench/peers …')
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: peersFolder, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) throw new Error('The peers could not be installed (reason above). --no-peers measures chaintap alone.')
}
