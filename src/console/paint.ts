import type { RunEvent } from '../core/event.ts'

/** How a piece of console output looks. */
export type TextStyle = 'bold' | 'dim' | 'blue' | 'yellow' | 'pink' | 'green' | 'red'

/** A piece of console output. Its text may be anybody's: painting makes it harmless. */
export interface StyledText {
  readonly text: string
  readonly style?: TextStyle
}

/** Makes the arguments of one `console.log`. */
export type Painter = (segments: readonly StyledText[]) => readonly string[]

/** LangChain's codes; coloured text is bold and italic there too. */
const ansiCodes: Readonly<Record<TextStyle, string>> = {
  bold: '\x1b[1m',
  dim: '\x1b[2m',
  blue: '\x1b[36;1m\x1b[1;3m',
  yellow: '\x1b[33;1m\x1b[1;3m',
  pink: '\x1b[38;5;200m\x1b[1;3m',
  green: '\x1b[32;1m\x1b[1;3m',
  red: '\x1b[31;1m\x1b[1;3m',
}

/** Tones that can be read on white and on black. */
const cssRules: Readonly<Record<TextStyle, string>> = {
  bold: 'font-weight: bold',
  dim: 'color: #888',
  blue: 'color: #3b82f6',
  yellow: 'color: #b7791f',
  pink: 'color: #db2777',
  green: 'color: #16a34a',
  red: 'color: #dc2626',
}

/** For terminals. */
export const paintAnsi: Painter = (segments) => [
  segments
    .map(({ text, style }) =>
      style && text !== '' ? `${ansiCodes[style]}${stripControlCharacters(text)}\x1b[0m` : stripControlCharacters(text),
    )
    .join(''),
]

/** For the consoles of browsers. Texts are arguments: in the format a `%` of theirs would be an order. */
export const paintCss: Painter = (segments) => [
  '%c%s'.repeat(segments.length),
  ...segments.flatMap(({ text, style }) => [style ? cssRules[style] : '', stripControlCharacters(text)]),
]

/** One argument alone is no format either. */
export const paintPlain: Painter = (segments) => [segments.map(({ text }) => stripControlCharacters(text)).join('')]

/** The paint for the console of this engine, or for what `color` asks. */
export function selectPainter(color: boolean | undefined): Painter {
  const { process } = globalThis as { process?: { stdout?: { isTTY?: boolean } } }
  const isTerminal = process?.stdout?.isTTY === true
  if (color === false) return paintPlain
  if (!isTerminal && ('document' in globalThis || 'importScripts' in globalThis)) return paintCss
  return color || isTerminal ? paintAnsi : paintPlain
}

/** Makes lines of events. */
export interface EventFormatter {
  /** What to print for an event, if anything. */
  format(event: RunEvent): readonly StyledText[] | undefined
  /** The value that the line shows the beginning of. */
  detail?(event: RunEvent): unknown
}

/**
 * Prints what `log` makes of events: to the console, or by `write`, which is given no colours unless it asks for them. In the console of
 * a browser a line that is about a value is a collapsed group around it, opened and closed at once: groups are one stack for the whole
 * page, and runs side by side would end up in each other's.
 */
export function createPrinter(
  log: EventFormatter,
  { color, write }: { readonly color?: boolean; readonly write?: (...line: readonly string[]) => void } = {},
): (event: RunEvent) => void {
  const paint = selectPainter(color ?? (write ? false : undefined))
  const out = console
  const print = write ?? ((...line) => out.log(...line))
  return (event) => {
    const segments = log.format(event)
    if (!segments) return
    const detail = paint === paintCss && !write ? log.detail?.(event) : undefined
    if (detail === undefined) return print(...paint(segments))
    out.groupCollapsed(...paint(segments))
    out.log(detail)
    out.groupEnd()
  }
}

/** A text without control characters, lines and tabs aside: ESC and its 8-bit twins move cursors, recolour, and retitle terminals. */
const stripControlCharacters = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '')
