import type { RunEvent } from '../core/event.ts'

/** The style of a segment of console output. */
export type TextStyle = 'bold' | 'dim' | 'blue' | 'yellow' | 'pink' | 'green' | 'red'

/** A segment of console output. The text may be untrusted: painters remove its control characters. */
export interface StyledText {
  readonly text: string
  readonly style?: TextStyle
}

/** Converts segments to the arguments of one `console.log`. */
export type Painter = (segments: readonly StyledText[]) => readonly string[]

/** LangChain's ANSI codes, which make coloured text bold and italic, too. */
const ansiCodes: Readonly<Record<TextStyle, string>> = {
  bold: '\x1b[1m',
  dim: '\x1b[2m',
  blue: '\x1b[36;1m\x1b[1;3m',
  yellow: '\x1b[33;1m\x1b[1;3m',
  pink: '\x1b[38;5;200m\x1b[1;3m',
  green: '\x1b[32;1m\x1b[1;3m',
  red: '\x1b[31;1m\x1b[1;3m',
}

/** Colours that are readable on white and on black. */
const cssRules: Readonly<Record<TextStyle, string>> = {
  bold: 'font-weight: bold',
  dim: 'color: #888',
  blue: 'color: #3b82f6',
  yellow: 'color: #b7791f',
  pink: 'color: #db2777',
  green: 'color: #16a34a',
  red: 'color: #dc2626',
}

/** Paints for terminals. */
export const paintAnsi: Painter = (segments) => [
  segments
    .map(({ text, style }) =>
      style && text !== '' ? `${ansiCodes[style]}${stripControlCharacters(text)}\x1b[0m` : stripControlCharacters(text),
    )
    .join(''),
]

/** Paints for browser consoles. Texts are arguments: within the format string, their `%` would be directives. */
export const paintCss: Painter = (segments) => [
  '%c%s'.repeat(segments.length),
  ...segments.flatMap(({ text, style }) => [style ? cssRules[style] : '', stripControlCharacters(text)]),
]

/** Paints without colours. A single argument is no format string, so `%` needs no escape. */
export const paintPlain: Painter = (segments) => [segments.map(({ text }) => stripControlCharacters(text)).join('')]

/** Selects the painter for `color`, or for the console of this engine if it is undefined. */
export function selectPainter(color: boolean | undefined): Painter {
  const { process } = globalThis as { process?: { stdout?: { isTTY?: boolean } } }
  const isTerminal = process?.stdout?.isTTY === true
  if (color === false) return paintPlain
  if (!isTerminal && ('document' in globalThis || 'importScripts' in globalThis)) return paintCss
  return color || isTerminal ? paintAnsi : paintPlain
}

/** Formats events as console output. */
export interface EventFormatter {
  /** Returns the output for an event; undefined if it prints nothing. */
  format(event: RunEvent): readonly StyledText[] | undefined
  /** Returns the whole value that the line shows the beginning of. */
  detail?(event: RunEvent): unknown
}

/**
 * Creates a function that prints events: to the console, or with `write`, then without colours by default. In a browser console, a line
 * with a value becomes a collapsed group that contains the value. The group is closed immediately: the page has one stack of groups, so
 * lines of concurrent runs would end up in each other's groups.
 */
export function createPrinter(
  formatter: EventFormatter,
  { color, write }: { readonly color?: boolean; readonly write?: (...line: readonly string[]) => void } = {},
): (event: RunEvent) => void {
  const paint = selectPainter(color ?? (write ? false : undefined))
  const output = console
  const print = write ?? ((...line) => output.log(...line))
  return (event) => {
    const segments = formatter.format(event)
    if (!segments) return
    const detail = paint === paintCss && !write ? formatter.detail?.(event) : undefined
    if (detail === undefined) return print(...paint(segments))
    output.groupCollapsed(...paint(segments))
    output.log(detail)
    output.groupEnd()
  }
}

/** Removes control characters except newlines and tabs: ESC and its 8-bit forms move the cursor, recolour and rename terminals. */
const stripControlCharacters = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '')
