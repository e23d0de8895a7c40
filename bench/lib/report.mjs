/** @typedef {import('./measure.ts').Figure} Figure */
/** @typedef {{ readonly version: string, readonly figures: readonly Figure[] }} Column the figures of one engine */

/** @type {Partial<Record<Figure['unit'], number>>} */
const digits = { ns: 0, B: 0, '': 0, KB: 1 }

/** @param {Figure['unit']} unit @param {number | undefined} value */
const amount = (unit, value) => (value === undefined ? '–' : `${value.toFixed(digits[unit] ?? (value < 10 ? 2 : 1))} ${unit}`.trim())

/** @param {Figure} figure */
const shown = ({ says, unit, value }) => says ?? amount(unit, value)

/** `unsure` if the value is within two standard errors of the budget. @param {Figure} figure */
function verdict({ value, error = 0, budget }) {
  if (budget === undefined) return ''
  if (Math.abs(value - budget) < 2 * error) return 'unsure'
  return value <= budget ? 'pass' : 'over'
}

/** Formats a figure as a line. @param {Figure} figure */
export function text(figure) {
  const { unit, error, budget, table, what, library } = figure
  const errorText = error === undefined ? '' : `± ${amount(unit, error)}`
  const name = [table, what, library].filter((part) => part !== undefined).join(' · ')
  return `${verdict(figure).padEnd(6)} ${shown(figure).padStart(10)} ${errorText.padEnd(9)} of ${amount(unit, budget).padStart(7)}  ${name}`
}

/**
 * Formats chaintap's figures with their budgets, then tables that compare the libraries.
 * @param {readonly Column[]} columns
 * @param {Readonly<Record<string, string>>} versions of the peers
 */
export function markdown(columns, versions) {
  const names = new Set(columns.flatMap(({ figures }) => figures.flatMap(({ table }) => table ?? [])))
  const sorted = [...names].sort((a, b) => wireOf(a).localeCompare(wireOf(b)))
  return `# Measured

Measured by \`npm run bench\`. × is a multiple of the bare loop: the median over rounds that ran both. **over**: over the budget. *unsure*: within two
standard errors of the budget. workerd's clock has steps of 1 ms, Chromium's of 0.1 ms.

${againstBudgets(columns)}

# Compared with other libraries

All libraries read the same answer from the same in-memory body, in the same rounds as the bare loop, and are used as their documentation
shows, with their defaults. [README.md](README.md) explains the rows. –: the library does not have this feature.

${sorted.map((name) => `## ${name}\n\n${sideBySide(columns, name)}\n`).join('\n')}
Versions: ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.
`
}

/** @param {string} name of a table */
const wireOf = (name) => name.slice(0, name.indexOf(':'))

/** A column for each engine. Only relative figures: absolute times depend on the machine. @param {readonly Column[]} columns */
function againstBudgets(columns) {
  const ours = columns
    .map(({ version, figures }) => ({ version, figures: figures.filter(({ table, unit }) => table === undefined && unit !== 'µs') }))
    .filter(({ figures }) => figures.length > 0)
  const rows = new Map(ours.flatMap(({ figures }) => figures.map((figure) => [figure.what, figure])))
  const lines = [...rows.values()].map(({ what, unit, budget }) => [
    what,
    amount(unit, budget),
    ...ours.map(({ figures }) => cell(figures.find((figure) => figure.what === what))),
  ])
  return table(['what', 'budget', ...ours.map(({ version }) => version)], lines)
}

/** A column for each library, and a line for each engine. @param {readonly Column[]} columns @param {string} name */
function sideBySide(columns, name) {
  const figures = columns.flatMap((column) =>
    column.figures.flatMap((figure) => (figure.table === name ? { ...figure, version: column.version } : [])),
  )
  const libraries = [...new Set(figures.map(({ library }) => library ?? ''))]
  const lines = new Map(figures.map(({ what, version }) => [`${what} ${version}`, { what, version }]))
  const whats = [...new Set(figures.map(({ what }) => what))]
  const sorted = [...lines.values()].sort((a, b) => whats.indexOf(a.what) - whats.indexOf(b.what))
  const cells = sorted.map(({ what, version }) => {
    const line = figures.filter((figure) => figure.what === what && figure.version === version)
    return [what, version, ...libraries.map((library) => cell(line.find((figure) => figure.library === library)))]
  })
  return table(['', '', ...libraries], cells)
}

/** @param {Figure | undefined} figure */
function cell(figure) {
  if (!figure) return '–'
  const judged = verdict(figure)
  return `${shown(figure)}${judged === 'over' ? ' **over**' : judged === 'unsure' ? ' *unsure*' : ''}`
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} cells */
const table = (head, cells) => [head, head.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`).join('\n')
