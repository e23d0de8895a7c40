import type { Handler } from '../core/handler/handler.ts'

/** Loads what `verbose: true` adds to an object's own callbacks: it comes when a run is to be printed, and costs nothing before. */
export const lazyConsoleHandler = async (): Promise<readonly Handler[]> => (await import('./verbose.ts')).verboseCallbacks
