import type { RunEvent } from '../../../core/event.ts'

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg'

/** Distribution of the tokens over the duration of a run, as heights from 0 to 1; empty if no time passed. */
export function tokenHistogram(events: readonly RunEvent[], from: number, to: number): readonly number[] {
  const tokens = events.filter(({ type, at }) => type === 'token' && at >= from)
  if (tokens.length < 2 || to <= from) return []
  const counts = new Array<number>(Math.min(64, Math.max(12, Math.round(tokens.length / 3)))).fill(0)
  for (const { at } of tokens) {
    const column = Math.min(counts.length - 1, Math.floor(((at - from) / (to - from)) * counts.length))
    counts[column] = (counts[column] ?? 0) + 1
  }
  const most = Math.max(...counts)
  return counts.map((count) => count / most)
}

/** Draws the distribution of a run's tokens. */
export function createTokenChart(heights: readonly number[]): SVGElement {
  const svg = document.createElementNS(SVG_NAMESPACE, 'svg')
  const path = document.createElementNS(SVG_NAMESPACE, 'path')
  svg.setAttribute('class', 'chart')
  svg.setAttribute('part', 'chart')
  svg.setAttribute('viewBox', `0 0 ${heights.length} 1`)
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', 'Tokens over time')
  path.setAttribute('d', heights.map((height, i) => `M${i} 1v${-height}h.8v${height}z`).join(''))
  svg.appendChild(path)
  return svg
}
