/** Passes an error to `reportError`, or to `console.error` in engines without it. */
export function reportGlobally(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  // biome-ignore lint/suspicious/noConsole: Node has no reportError
  else console.error(error)
}
