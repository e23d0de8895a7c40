import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import ts from 'typescript'
import { root } from '../../scripts/support.mjs'

/** An import of a source file. */
export interface Import {
  /** File and line. */
  readonly at: string
  readonly specifier: string
  /** The path of the imported file in `src`; undefined for a package. */
  readonly to: string | undefined
}

/** A parsed source file. */
export interface SourceFile {
  /** The path in `src`, e.g. `core/run/run.ts`. */
  readonly path: string
  readonly lines: readonly string[]
  readonly nodes: readonly ts.Node[]
  readonly imports: readonly Import[]
  readonly at: (node: ts.Node) => string
}

/**
 * The one import against the direction of the folders: the core loads the bridge to LangChain when it meets one of its handlers. It is not
 * among the imports of its file.
 */
const loadedOnDemand = { path: 'core/handler/langchain.ts', to: 'bridges/langchain/call.ts' }

/** Parses every TypeScript file of a folder like `src`. */
export function sources(folder: string = join(root, 'src')): readonly SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => parse(folder, path))
}

function parse(folder: string, file: string): SourceFile {
  const path = file.split(sep).join('/')
  const text = readFileSync(join(folder, file), 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
  const at = (node: ts.Node) => `src/${path}:${lineOf(tree, node.getStart(tree)) + 1}`
  const nodes = descendants(tree)
  const imports = nodes.flatMap((node): Import[] => {
    const specifier = specifierOf(node)
    if (specifier === undefined) return []
    const to = specifier.startsWith('.')
      ? relative(folder, join(folder, dirname(file), specifier))
          .split(sep)
          .join('/')
      : undefined
    return path === loadedOnDemand.path && to === loadedOnDemand.to ? [] : [{ at: at(node), specifier, to }]
  })
  return { path, lines: text.trimEnd().split('\n'), nodes, imports, at }
}

function descendants(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [node]
  ts.forEachChild(node, (child) => {
    found.push(...descendants(child))
  })
  return found
}

/** The module that a node imports by `import`, `export … from`, `import()` or `import('…').Type`. */
function specifierOf(node: ts.Node): string | undefined {
  let specifier: ts.Node | undefined
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) specifier = node.moduleSpecifier
  else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) specifier = node.arguments[0]
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) specifier = node.argument.literal
  return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier.text : undefined
}

/** A function of a source file. */
export interface Func {
  /** File and line. */
  readonly at: string
  readonly lines: number
  /** Whether the line above gives a reason for its length. */
  readonly excused: boolean
}

/** Returns the functions of a source file. */
export function functions({ nodes, lines, at }: SourceFile): readonly Func[] {
  return nodes.filter(isFunctionWithBody).map((node) => {
    const tree = node.getSourceFile()
    const first = lineOf(tree, node.getStart(tree))
    const above = lines[first - 1]?.trim() ?? ''
    return { at: at(node), lines: lineOf(tree, node.getEnd()) - first + 1, excused: above.startsWith('// Long because') }
  })
}

function isFunctionWithBody(node: ts.Node): boolean {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined
}

function lineOf(tree: ts.SourceFile, position: number): number {
  return tree.getLineAndCharacterOfPosition(position).line
}

/** The class declarations by name, with their parent class and place. */
export function classes(files: readonly SourceFile[]): ReadonlyMap<string, { readonly parent: string | undefined; readonly at: string }> {
  const found = files.flatMap(({ nodes, at }) =>
    nodes.filter(ts.isClassLike).map((node) => {
      const extended = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]?.expression
      const name = node.name?.text ?? at(node)
      return [name, { parent: extended?.getText(), at: at(node) }] as const
    }),
  )
  return new Map(found)
}

/** Groups of nodes that reach each other, each sorted; a node on no circle is in none (Tarjan's strongly connected components). */
export function circles(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const order = new Map<string, number>()
  const stack: string[] = []
  const found: (readonly string[])[] = []
  const visit = (node: string): number => {
    const index = order.size
    let low = index
    order.set(node, index)
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next))
      else if (stack.includes(next)) low = Math.min(low, order.get(next) ?? index)
    }
    if (low === index) {
      const group = stack.splice(stack.indexOf(node))
      if (group.length > 1 || graph.get(node)?.has(node)) found.push(group.sort())
    }
    return low
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return found
}

/** How many files declare each top-level name. */
export function declaredNames(files: readonly SourceFile[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { nodes } of files) {
    const statements = nodes.filter((node) => node.parent !== undefined && ts.isSourceFile(node.parent))
    for (const name of new Set(statements.flatMap(namesOf))) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

function namesOf(statement: ts.Node): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []))
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  return isNamed && statement.name ? [statement.name.text] : []
}
