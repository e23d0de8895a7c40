/** An observation in the line of an input: the server did not stop the model, or stopped it late. */
const midLineObservation = /[^\S\n]Observation\s{0,3}\d{0,3}\s{0,3}:/g
const fencePattern = /^\s*(?:`{3,}|~{3,})/
const bareFencePattern = /^\s*(?:`{3,}|~{3,})\s*$/
const wrappers: readonly (readonly [open: string, close: string])[] = [
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['[', ']'],
]

/** What models write if they want no tool. */
const noToolPattern = /^(?:none|null|n\/a|nothing|no (?:tool|action)s?)(?:[\s.,:(]|$)/i
export const isNoTool = (tool: string): boolean => noToolPattern.test(tool)

/** The name of a tool: the first line, without Markdown, quotes and brackets around it. */
export function cleanToolName(text: string, emphasis: string): string {
  let [name = ''] = withoutEmphasis(text, emphasis).trim().split('\n', 1)
  name = name.trim()
  if (name.length > 4 && name.startsWith('**') && name.endsWith('**')) name = name.slice(2, -2).trim()
  const wrapper = wrappers.find(([open, close]) => name.length > 2 && name.startsWith(open) && name.endsWith(close))
  return wrapper ? name.slice(1, -1).trim() : name
}

/**
 * The input of a tool, without an observation in its last line, and without what wraps all of it: white space, a code fence, double quotes
 * or backquotes. Quotes and fences that are a part of the input stay.
 */
export function cleanToolInput(text: string, emphasis: string): string {
  const input = withoutFence(withoutObservation(withoutEmphasis(text, emphasis)).trim())
  if (input.length > 2 && input.startsWith('`') && input.indexOf('`', 1) === input.length - 1) return input.slice(1, -1)
  return withoutQuotes(input)
}

/** Removes the end of emphasis that was opened before the label, from the first line. */
export function withoutEmphasis(text: string, emphasis: string): string {
  const [line = ''] = text.trimStart().split('\n', 1)
  if (emphasis === '' || !line.includes(emphasis)) return text
  const end = text.indexOf(emphasis)
  return text.slice(0, end) + text.slice(end + emphasis.length)
}

/** Removes a code fence around the text, or the end of one that was opened before it. */
export function withoutFence(text: string): string {
  if (!/(?:```|~~~)\s*$/.test(text.slice(-64))) return text
  const lines = text.split('\n')
  const fences = lines.filter((line) => fencePattern.test(line)).length
  const [first = ''] = lines
  const last = lines.at(-1) ?? ''
  if (lines.length === 1) return /^(`{3,}|~{3,})([^`~]+)\1$/.exec(text)?.[2]?.trim() ?? text
  if (!bareFencePattern.test(last)) return text
  if (fences % 2 === 1) return lines.slice(0, -1).join('\n').trimEnd()
  return fences === 2 && fencePattern.test(first) ? lines.slice(1, -1).join('\n') : text
}

function withoutObservation(text: string): string {
  let quotes = 0
  let from = 0
  for (const { index } of text.matchAll(midLineObservation)) {
    quotes += text.slice(from, index).split('"').length - 1
    // Not inside a string of JSON.
    if (quotes % 2 === 0) return text.slice(0, index)
    from = index
  }
  return text
}

/** Not with one regular expression: it would take quadratic time for quotes that are not closed. */
function withoutQuotes(text: string): string {
  let count = 0
  while (text[count] === '"') count++
  if (count > 1 && count === text.length) return ''
  const quotes = '"'.repeat(count)
  if (count === 0 || text.length < 2 * count || !text.endsWith(quotes)) return text
  const inner = text.slice(count, -count)
  return /^(?:[^"\\]|\\.)*\\?$/s.test(inner) ? inner.replaceAll('\\"', '"') : text
}
