/** @typedef {import('./measure.ts').Figure} Figure */
/** @typedef {{ readonly version: string, readonly figures: readonly Figure[] }} Column */

/** @param {Figure} figure @param {number} [value] */
const amount = ({ unit }, value) => (value === undefined ? '–' : `${value.toFixed(unit === 'ns' ? 0 : 2)} ${unit}`)

/** @param {Figure} figure */
const verdict = ({ value, budget }) => (budget === undefined ? '' : value <= budget ? 'pass' : 'over')

/** A figure as a line. @param {Figure} figure */
export function text(figure) {
  const spread = figure.spread === undefined ? '' : `± ${amount(figure, figure.spread)}`
  return `${verdict(figure).padEnd(4)} ${amount(figure, figure.value).padStart(9)} ${spread.padEnd(9)} of ${amount(figure, figure.budget).padStart(7)}  ${figure.what}`
}

/** Engines side by side as Markdown: what is relative alone, for absolute times say more of the machine. @param {readonly Column[]} columns */
export function table(columns) {
  const rows = columns[0]?.figures.filter(({ unit }) => unit !== 'µs') ?? []
  const cells = rows.map((row) => [row.what, amount(row, row.budget), ...columns.map((column) => cell(column, row.what))])
  const head = ['what', 'budget', ...columns.map(({ version }) => version)]
  const lines = [head, head.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`)
  return `# Measured\n\nBy \`npm run bench\`: × is times the bare loop, the median over rounds that ran both; **over** is over the budget.\n\n${lines.join('\n')}\n`
}

/** @param {Column} column @param {string} what */
function cell({ figures }, what) {
  const figure = figures.find((each) => each.what === what)
  if (!figure) return '–'
  return `${amount(figure, figure.value)}${verdict(figure) === 'over' ? ' **over**' : ''}`
}
