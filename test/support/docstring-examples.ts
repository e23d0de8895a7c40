import ts from 'typescript'
import { publicApi } from './public-api.ts'
import { sources } from './source.ts'

export interface DocstringExample {
  /** `src/handlers/tap.ts:12` */
  readonly at: string
  /** A module: the example with an import for each public name that it uses. */
  readonly code: string
}

/** What an example may use without declaring it: a declaration for each name, added where the name is used. */
const given: Readonly<Record<string, string>> = {
  model: "declare const model: import('chaintap/anthropic').ChatAnthropic",
  llm: "declare const llm: import('chaintap/openai').OpenAI",
  prompt: "declare const prompt: import('chaintap').ChatPromptTemplate<{ animal: string }>",
  chain: "declare const chain: import('chaintap').Runnable<any, string, string>",
  counter: "declare const counter: import('chaintap/tokens').TokenCounter",
  log: "declare const log: import('chaintap/indexeddb').IndexedDBLogStore",
  store: "declare const store: import('chaintap/indexeddb').IndexedDBLogStore",
  apiKey: 'declare const apiKey: string',
  runId: 'declare const runId: string',
  input: 'declare const input: any',
  env: 'declare const env: any',
  Env: 'interface Env { readonly ANTHROPIC_API_KEY: string; readonly AI: any; readonly CHAT: any; readonly DB: any }',
  ctx: 'declare const ctx: { waitUntil(work: Promise<unknown>): void }',
  request: 'declare const request: Request',
  answer: 'declare const answer: HTMLElement',
  button: 'declare const button: HTMLButtonElement',
  show: 'declare function show(text: string): void',
  write: 'declare function write(text: string): void',
  z: "import { z } from 'zod'",
  expect: "import { expect } from 'vitest'",
  useChat: "import { useChat } from '@ai-sdk/react'",
  Anthropic: "import Anthropic from '@anthropic-ai/sdk'",
}

/** Every `@example` in the comments of src. */
export function docstringExamples(): readonly DocstringExample[] {
  const entryOf = publicImports()
  return sources().flatMap((file) => {
    const text = file.lines.join('\n')
    const exported = new Set(
      [...text.matchAll(/^export (?:abstract |async )?(?:class|function\*?|const|interface|type) (\w+)/gm)].map(([, name]) => name),
    )
    const importOf = (name: string) => entryOf.get(name) ?? (exported.has(name) ? `../../../../src/${file.path}` : undefined)
    return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((comment) =>
      examplesIn(comment[0]).map(({ code, line }) => {
        const at = `src/${file.path}:${text.slice(0, comment.index).split('\n').length + line}`
        return { at, code: asModule(code, importOf) }
      }),
    )
  })
}

function examplesIn(comment: string): readonly { readonly code: string; readonly line: number }[] {
  const lines = comment.replace(/\*\/$/, '').split('\n')
  const starts = lines.flatMap((line, index) => (/^\s*\* @example/.test(line) ? [index] : []))
  return starts.map((start) => {
    const after = lines.slice(start + 1)
    const end = after.findIndex((line) => /^\s*\* @\w/.test(line))
    const body = (end < 0 ? after : after.slice(0, end)).map((line) => line.replace(/^\s*\* ?/, ''))
    return {
      code: body
        .filter((line) => !line.startsWith('```'))
        .join('\n')
        .trim(),
      line: start,
    }
  })
}

/** Which entry each public name is imported from. */
function publicImports(): ReadonlyMap<string, string> {
  return new Map([...publicApi().entries].reverse().flatMap(({ name, exports }) => [...exports.keys()].map((key) => [key, name] as const)))
}

function asModule(code: string, importOf: (name: string) => string | undefined): string {
  const tree = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ESNext, true)
  const used = new Set<string>()
  const declared = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !isMemberName(node)) used.add(node.text)
    const name = 'name' in node ? (node.name as ts.Node | undefined) : undefined
    const declares =
      ts.isStatement(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isBindingElement(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node)
    if (name && ts.isIdentifier(name) && declares) declared.add(name.text)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  const missing = [...used].filter((name) => !declared.has(name))
  const head = missing.flatMap((name) => {
    const entry = importOf(name)
    return entry === undefined ? (given[name] ?? []) : `import { ${name} } from '${entry}'`
  })
  // An example may show the end of a function.
  const isBody = tree.statements.some(ts.isReturnStatement)
  return `${head.join('\n')}\n${isBody ? `export async function example(): Promise<unknown> {\n${code}\n}` : code}\nexport {}\n`
}

function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node
  return (ts.isPropertyAccessExpression(parent) && parent.name === node) || (ts.isPropertyAssignment(parent) && parent.name === node)
}
