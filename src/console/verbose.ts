import type { Handler } from '../core/handler/handler.ts'
import { createPrinter } from './paint.ts'
import { TranscriptFormatter } from './transcript.ts'

/**
 * What `verbose: true` adds to an object's own callbacks: the console transcript, one for everything verbose, so that it hears each
 * event once. With tokens: a verbose model would print nothing otherwise.
 *
 * Loaded by `import()`, and so not made by the class: esbuild has a page load what the front door exports and an `import()` needs.
 */
export const verboseCallbacks: readonly Handler[] = [
  { name: 'ConsoleCallbackHandler', onEvent: createPrinter(new TranscriptFormatter({ tokens: true })) },
]
