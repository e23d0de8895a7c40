import { join, relative } from 'node:path'
import ts from 'typescript'
import { entries } from '../../scripts/entries.mjs'
import { root } from '../../scripts/support.mjs'

/** What a program can import from one entry of the package. */
export interface PublicEntry {
  /** Such as `chaintap/openai`. */
  readonly name: string
  readonly exports: ReadonlyMap<string, ts.Symbol>
}

/** A public declaration, or a member of one. */
export interface PublicName {
  /** `RunOptions.signal` */
  readonly name: string
  readonly at: string
  readonly docs: string
}

/** Every entry of the exports map, read from the sources. */
export function publicApi(): { readonly checker: ts.TypeChecker; readonly entries: readonly PublicEntry[] } {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram(
    entries.map(({ source }) => join(root, source)),
    options,
  )
  const checker = program.getTypeChecker()
  const read = ({ name, source }: (typeof entries)[number]): PublicEntry => {
    const file = program.getSourceFile(join(root, source))
    const module = file && checker.getSymbolAtLocation(file)
    const symbols = module ? checker.getExportsOfModule(module) : []
    const resolved = symbols.map((symbol) => [symbol.name, resolve(checker, symbol)] as const)
    return { name, exports: new Map(resolved.sort(([a], [b]) => (a < b ? -1 : 1))) }
  }
  return { checker, entries: entries.map(read) }
}

function resolve(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** The declarations of a symbol that are ours. */
export function declarationsOf(symbol: ts.Symbol): readonly ts.Declaration[] {
  return (symbol.declarations ?? []).filter((node) => node.getSourceFile().fileName.startsWith(join(root, 'src')))
}

/** A symbol and its public members. Members that are `@internal`, private or override a documented one do not count. */
export function publicNames(symbol: ts.Symbol): readonly PublicName[] {
  const declarations = declarationsOf(symbol)
  const [first] = declarations
  if (first === undefined) return []
  const members = new Map<string, ts.Node[]>()
  for (const member of declarations.flatMap(membersOf)) {
    const name = member.name?.getText()
    if (name !== undefined && isPublic(member)) members.set(name, [...(members.get(name) ?? []), member])
  }
  return [
    { name: symbol.name, at: position(first), docs: declarations.map(docsOf).join('') },
    ...[...members].map(([name, nodes]) => ({
      name: `${symbol.name}.${name}`,
      at: position(nodes[0] ?? first),
      docs: nodes.map(docsOf).join(''),
    })),
  ]
}

type Member = ts.ClassElement | ts.TypeElement

function membersOf(node: ts.Declaration): readonly Member[] {
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) return [...node.members]
  return ts.isTypeAliasDeclaration(node) ? membersOfType(node.type) : []
}

function membersOfType(type: ts.TypeNode): readonly Member[] {
  if (ts.isTypeLiteralNode(type)) return [...type.members]
  if (ts.isIntersectionTypeNode(type) || ts.isUnionTypeNode(type)) return type.types.flatMap(membersOfType)
  return ts.isParenthesizedTypeNode(type) ? membersOfType(type.type) : []
}

function isPublic(member: Member): boolean {
  if (ts.isConstructorDeclaration(member) || (member.name && ts.isPrivateIdentifier(member.name))) return false
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Override
  return (ts.getCombinedModifierFlags(member) & hidden) === 0 && !/@internal\b/.test(docsOf(member))
}

function docsOf(node: ts.Node): string {
  const holder = ts.isVariableDeclaration(node) ? node.parent.parent : node
  return ts
    .getJSDocCommentsAndTags(holder)
    .map((comment) => comment.getText())
    .join('')
}

function position(node: ts.Node): string {
  const file = node.getSourceFile()
  return `${relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
}
