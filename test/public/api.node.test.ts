import ts from 'typescript'
import { expect, it } from 'vitest'
import { declarationsOf, publicApi } from '../support/public-api.ts'

const { entries, checker } = publicApi()
const exported = new Set(entries.flatMap((entry) => [...entry.exports.values()]))
const printer = ts.createPrinter({ removeComments: true })

/** What `.d.ts` files show of a source file, by its text: `isolatedDeclarations` makes that independent of other files. */
const declarationFiles = new Map<string, ts.SourceFile>()

function declarationFile(source: ts.SourceFile): ts.SourceFile {
  const known = declarationFiles.get(source.fileName)
  if (known) return known
  const { outputText } = ts.transpileDeclaration(source.text, {
    fileName: source.fileName,
    compilerOptions: { isolatedDeclarations: true, stripInternal: true, target: ts.ScriptTarget.ES2022 },
  })
  const file = ts.createSourceFile(source.fileName, outputText, ts.ScriptTarget.ES2022, true)
  declarationFiles.set(source.fileName, file)
  return file
}

function declares(statement: ts.Statement, name: string): boolean {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.some((each) => each.name.getText() === name)
  return 'name' in statement && (statement.name as ts.Identifier | undefined)?.text === name
}

/** The declaration of a symbol as users' editors show it, without comments and private members. */
function declarationText(symbol: ts.Symbol): string {
  const files = new Set(declarationsOf(symbol).map((node) => node.getSourceFile()))
  return [...files]
    .flatMap((source) => {
      const file = declarationFile(source)
      const statements = file.statements.filter((statement) => declares(statement, symbol.name))
      return statements.map((statement) => printer.printNode(ts.EmitHint.Unspecified, statement, file))
    })
    .join('\n')
    .replace(/^export (declare )?/gm, '')
    .replace(/^ +(private|#private).*\n/gm, '')
}

/** Our types that the public declarations mention and no entry exports: a user who meets one in an error cannot look it up. */
function unexportedTypes(symbol: ts.Symbol): readonly string[] {
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || isHiddenMember(node)) return
    const target = ts.isTypeReferenceNode(node) ? checker.getSymbolAtLocation(node.typeName) : undefined
    const resolved = target && target.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(target) : target
    if (resolved && !exported.has(resolved) && declarationsOf(resolved).some(isLookedUp)) found.add(resolved.name)
    ts.forEachChild(node, visit)
  }
  for (const declaration of declarationsOf(symbol)) ts.forEachChild(declaration, visit)
  return [...found]
}

/** Aliases with type parameters compute types, and the compiler shows their results. Everything else is shown by its name. */
function isLookedUp(node: ts.Declaration): boolean {
  if (ts.isTypeAliasDeclaration(node)) return node.typeParameters === undefined
  return ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)
}

function isHiddenMember(node: ts.Node): boolean {
  if (!ts.isClassElement(node)) return false
  // The last of several declarations of a method is its implementation, which users do not see.
  const overloads = ts.isClassDeclaration(node.parent)
    ? node.parent.members.filter((member) => member.name?.getText() === node.name?.getText())
    : []
  const isOverloaded = ts.isMethodDeclaration(node) && overloads.length > 1
  if (isOverloaded && node.body) return true
  const isPrivate = (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0 || (node.name && ts.isPrivateIdentifier(node.name))
  return (
    isPrivate ||
    /@internal\b/.test(
      ts
        .getJSDocCommentsAndTags(node)
        .map((comment) => comment.getText())
        .join(''),
    )
  )
}

it.each(entries.map((entry) => [entry.name, entry] as const))('the public face of %s is the committed one', async (name, entry) => {
  const texts = [...entry.exports].map(
    ([as, symbol]) => `${as === symbol.name ? '' : `// exported as ${as}\n`}${declarationText(symbol)}\n`,
  )
  const title = `// ${name}: every public name with its type. A test writes this file (npm run test:node -- test/public -u).\n\n`
  await expect(title + texts.join('\n')).toMatchFileSnapshot(`./${name.replace('/', '-')}.api.txt`)
})

it('every type in the public declarations can be looked up: an entry exports it', () => {
  const hidden = entries.flatMap(({ name, exports }) => [...exports.values()].flatMap(unexportedTypes).map((type) => `${name}: ${type}`))
  expect([...new Set(hidden)]).toEqual([])
})
