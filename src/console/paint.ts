import type { RunEvent } from '../core/event.ts'

/** How a piece of console output looks. */
export type Style = 'bold' | 'dim' | 'blue' | 'yellow' | 'pink' | 'green' | 'red'

/** A piece of console output. Its text may be anybody's: painting makes it harmless. */
export interface Segment {
  readonly text: string
  readonly style?: Style
}

/** Makes the arguments of one `console.log`. */
export type Paint = (segments: readonly Segment[]) => readonly string[]

/** LangChain's codes; coloured text is bold and italic there too. */
const codes: Readonly<Record<Style, string>> = {
  bold: '\x1b[1m',
  dim: '\x1b[2m',
  blue: '\x1b[36;1m\x1b[1;3m',
  yellow: '\x1b[33;1m\x1b[1;3m',
  pink: '\x1b[38;5;200m\x1b[1;3m',
  green: '\x1b[32;1m\x1b[1;3m',
  red: '\x1b[31;1m\x1b[1;3m',
}

/** Tones that can be read on white and on black. */
const rules: Readonly<Record<Style, string>> = {
  bold: 'font-weight: bold',
  dim: 'color: #888',
  blue: 'color: #3b82f6',
  yellow: 'color: #b7791f',
  pink: 'color: #db2777',
  green: 'color: #16a34a',
  red: 'color: #dc2626',
}

/** For terminals. */
export const ansi: Paint = (segments) => [
  segments.map(({ text, style }) => (style && text !== '' ? `${codes[style]}${harmless(text)}\x1b[0m` : harmless(text))).join(''),
]

/** For the consoles of browsers. Texts are arguments: in the format a `%` of theirs would be an order. */
export const css: Paint = (segments) => [
  '%c%s'.repeat(segments.length),
  ...segments.flatMap(({ text, style }) => [style ? rules[style] : '', harmless(text)]),
]

/** One argument alone is no format either. */
export const plain: Paint = (segments) => [segments.map(({ text }) => harmless(text)).join('')]

/** The paint for the console of this engine, or for what `color` asks. */
export function paintFor(color: boolean | undefined): Paint {
  const { process } = globalThis as { process?: { stdout?: { isTTY?: boolean } } }
  const isTerminal = process?.stdout?.isTTY === true
  if (color === false) return plain
  if (!isTerminal && ('document' in globalThis || 'importScripts' in globalThis)) return css
  return color || isTerminal ? ansi : plain
}

/** Makes lines of events. */
export interface Lines {
  /** What to print for an event, if anything. */
  format(event: RunEvent): readonly Segment[] | undefined
  /** The value that the line shows the beginning of. */
  detail?(event: RunEvent): unknown
}

/**
 * Prints what `log` makes of events: to the console, or by `write`, which is given no colours unless it asks for them. In the console of
 * a browser a line that is about a value is a collapsed group around it, opened and closed at once: groups are one stack for the whole
 * page, and runs side by side would end up in each other's.
 */
export function printer(
  log: Lines,
  { color, write }: { readonly color?: boolean; readonly write?: (...line: readonly string[]) => void } = {},
): (event: RunEvent) => void {
  const paint = paintFor(color ?? (write ? false : undefined))
  const out = console
  const print = write ?? ((...line) => out.log(...line))
  return (event) => {
    const segments = log.format(event)
    if (!segments) return
    const detail = paint === css && !write ? log.detail?.(event) : undefined
    if (detail === undefined) return print(...paint(segments))
    out.groupCollapsed(...paint(segments))
    out.log(detail)
    out.groupEnd()
  }
}

/** A text without control characters, lines and tabs aside: ESC and its 8-bit twins move cursors, recolour, and retitle terminals. */
const harmless = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '')
