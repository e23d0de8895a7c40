import type { Handler } from '../core/handler/handler.ts'

/** Loads the handlers that `verbose: true` adds to an object's callbacks, when the first verbose run starts. */
export const lazyConsoleHandler = async (): Promise<readonly Handler[]> => (await import('./verbose.ts')).verboseCallbacks
