import type { Handler } from '../core/handler/handler.ts'
import { createPrinter } from './paint.ts'
import { TranscriptFormatter } from './transcript.ts'

/**
 * The handlers that `verbose: true` adds to an object's callbacks: one console transcript, shared by all verbose objects, so that it
 * receives each event once. It prints tokens: a verbose model would otherwise print nothing.
 *
 * Loaded with `import()`, and therefore not a ConsoleCallbackHandler: esbuild puts code shared by the main entry and an `import()` into a
 * chunk that the page loads at once.
 */
export const verboseCallbacks: readonly Handler[] = [
  { name: 'ConsoleCallbackHandler', onEvent: createPrinter(new TranscriptFormatter({ tokens: true })) },
]
