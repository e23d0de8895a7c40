/** @typedef {import('./measure.ts').Figure} Figure */
/** @typedef {{ readonly version: string, readonly figures: readonly Figure[] }} Column */

/** @param {Figure} figure @param {number} [value] */
const amount = ({ unit }, value) => (value === undefined ? '–' : `${value.toFixed(unit === 'ns' ? 0 : 2)} ${unit}`)

/** `unsure` where two standard errors would change it. @param {Figure} figure */
function verdict({ value, error = 0, budget }) {
  if (budget === undefined) return ''
  if (Math.abs(value - budget) < 2 * error) return 'unsure'
  return value <= budget ? 'pass' : 'over'
}

/** A figure as a line. @param {Figure} figure */
export function text(figure) {
  const error = figure.error === undefined ? '' : `± ${amount(figure, figure.error)}`
  return `${verdict(figure).padEnd(6)} ${amount(figure, figure.value).padStart(9)} ${error.padEnd(9)} of ${amount(figure, figure.budget).padStart(7)}  ${figure.what}`
}

/** Engines side by side as Markdown: what is relative alone, for absolute times say more of the machine. @param {readonly Column[]} columns */
export function table(columns) {
  const rows = columns[0]?.figures.filter(({ unit }) => unit !== 'µs') ?? []
  const cells = rows.map((row) => [row.what, amount(row, row.budget), ...columns.map((column) => cell(column, row.what))])
  const head = ['what', 'budget', ...columns.map(({ version }) => version)]
  const lines = [head, head.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`)
  return `# Measured

By \`npm run bench\`: × is times the bare loop, the median over rounds that ran both. **over** is over the budget; *unsure* is nearer to it than two
standard errors.

${lines.join('\n')}
`
}

/** @param {Column} column @param {string} what */
function cell({ figures }, what) {
  const figure = figures.find((each) => each.what === what)
  if (!figure) return '–'
  const said = verdict(figure)
  return `${amount(figure, figure.value)}${said === 'over' ? ' **over**' : said === 'unsure' ? ' *unsure*' : ''}`
}
