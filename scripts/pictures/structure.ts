// Draws the folders of src and their imports as docs/images/structure.svg: node scripts/run.mjs node scripts/pictures/structure.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SourceFile, sources } from '../../test/support/source.ts'
import { root } from '../support.mjs'

/** One line per folder. A folder without one is an error, so that the picture stays complete. */
const descriptions: Readonly<Record<string, string>> = {
  core: 'events · handler · flow · run · runnable · json · util',
  arithmetic: 'safe calculator',
  tokens: 'counter, meter, prices',
  schema: 'tool parameters',
  messages: 'create and fold',
  parsers: 'text, JSON, lists',
  'ai-sdk': 'useChat in a page',
  combinators: 'parallel, retry, …',
  handlers: 'tap, background',
  remote: 'RemoteRunnable',
  console: 'verbose output',
  prompts: 'templates',
  edge: 'serve, durable',
  testing: 'scriptedModel, …',
  chains: 'LLMChain',
  log: 'stores, export, viewer',
  models: 'providers, HTTP',
  retrievers: 'documents',
  tools: 'tool, calculator',
  agents: 'AgentExecutor',
  bridges: 'LangChain',
}

const BOX = { width: 148, height: 46, gap: 14, rise: 64 }
const MARGIN = 20

interface Place {
  readonly name: string
  readonly x: number
  readonly y: number
  readonly width: number
}

/** Returns the picture of these sources as SVG text. */
export function structureSvg(files: readonly SourceFile[]): string {
  const graph = folderGraph(files)
  const rows = rowsOf(graph)
  const width = MARGIN * 2 + Math.max(...rows.map((row) => row.length)) * (BOX.width + BOX.gap) - BOX.gap
  const height = MARGIN * 2 + rows.length * (BOX.height + BOX.rise) - BOX.rise
  const places = new Map<string, Place>()
  for (const [level, row] of rows.entries()) {
    // Folders are placed above the folders that they import, as far as their row allows.
    const middle = (name: string) => mean([...(graph.get(name) ?? [])].flatMap((target) => centre(places.get(target))))
    const sorted = [...row].sort((a, b) => middle(a) - middle(b))
    for (const place of placeRow(sorted, level, width, height)) places.set(place.name, place)
  }
  const arrows = [...graph].flatMap(([from, targets]) => directTargets(graph, targets).map((to) => arrow(places.get(from), places.get(to))))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="The folders of src: an arrow points from a folder to one it imports">
<style>
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #57606a; text-anchor: middle }
  .name { font-weight: 600; font-size: 14px; fill: #1f2328 }
  rect { fill: #f6f8fa; stroke: #d0d7de }
  path { fill: none; stroke: #8c959f; stroke-width: 1.2; marker-end: url(#head) }
  marker path { fill: #8c959f; stroke: none; marker-end: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #8d96a0 } .name { fill: #e6edf3 } rect { fill: #161b22; stroke: #30363d } path { stroke: #6e7681 } marker path { fill: #6e7681 }
  }
</style>
<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>
${arrows.join('\n')}
${[...places.values()].map(box).join('\n')}
</svg>
`
}

function folderGraph(files: readonly SourceFile[]): ReadonlyMap<string, ReadonlySet<string>> {
  const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
  const names = [...new Set(files.map(({ path }) => folderOf(path)))].filter((name) => name !== '').sort()
  return new Map(
    names.map((name) => {
      const targets = files.filter(({ path }) => folderOf(path) === name).flatMap(({ imports }) => imports.map(({ to }) => to ?? ''))
      return [name, new Set(targets.map(folderOf).filter((target) => target !== '' && target !== name))]
    }),
  )
}

/** Returns folders in rows by the longest path to a folder without imports, the lowest row first. */
function rowsOf(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const level = (name: string): number => Math.max(0, ...[...(graph.get(name) ?? [])].map((target) => level(target) + 1))
  const rows: string[][] = []
  for (const name of graph.keys()) (rows[level(name)] ??= []).push(name)
  return rows
}

/** Removes targets that another target imports already: fewer arrows, the same order. */
function directTargets(graph: ReadonlyMap<string, ReadonlySet<string>>, targets: ReadonlySet<string>): readonly string[] {
  const reaches = (from: string, to: string): boolean => [...(graph.get(from) ?? [])].some((next) => next === to || reaches(next, to))
  return [...targets].filter((target) => ![...targets].some((other) => other !== target && reaches(other, target)))
}

function placeRow(row: readonly string[], level: number, width: number, height: number): readonly Place[] {
  const y = height - MARGIN - BOX.height - level * (BOX.height + BOX.rise)
  // All folders import core: it is as wide as the widest row.
  const widths = row.map((name) => (name === 'core' ? BOX.width * 6 : BOX.width))
  const total = widths.reduce((sum, each) => sum + each + BOX.gap, -BOX.gap)
  let x = (width - total) / 2
  return row.map((name, index) => {
    const place = { name, x, y, width: widths[index] ?? BOX.width }
    x += place.width + BOX.gap
    return place
  })
}

const centre = (place: Place | undefined): readonly number[] => (place ? [place.x + place.width / 2] : [])

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

function arrow(from: Place | undefined, to: Place | undefined): string {
  if (from === undefined || to === undefined) return ''
  const [x1, y1, y2] = [from.x + from.width / 2, from.y + BOX.height, to.y - 2]
  // To the nearest point of the target's upper edge, away from its corners.
  const x2 = Math.min(Math.max(x1, to.x + 16), to.x + to.width - 16)
  const bend = (y2 - y1) / 2
  return `<path d="M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}"/>`
}

function box({ name, x, y, width }: Place): string {
  const description = descriptions[name]
  if (description === undefined) throw new Error(`scripts/pictures/structure.ts has no description of the folder ${name}. Add one line.`)
  const middle = x + width / 2
  return `<rect x="${x}" y="${y}" width="${width}" height="${BOX.height}" rx="6"/><text class="name" x="${middle}" y="${y + 20}">${name}</text><text x="${middle}" y="${y + 36}">${description}</text>`
}

if (process.argv[1]?.endsWith('structure.ts')) writeFileSync(join(root, 'docs/images/structure.svg'), structureSvg(sources()))
