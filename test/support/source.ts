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
    return [{ at: at(node), specifier, to }]
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

/** The folders of a circle of imports, in order; undefined if there is no circle. */
export function circle(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (folder: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder]
    if (done.has(folder)) return undefined
    for (const next of graph.get(folder) ?? []) {
      const found = visit(next, [...path, folder])
      if (found) return found
    }
    done.add(folder)
    return undefined
  }
  for (const folder of graph.keys()) {
    const found = visit(folder, [])
    if (found) return found
  }
  return undefined
}
