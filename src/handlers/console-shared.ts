import type { Handler } from '../core/event.ts'
import { ConsoleCallbackHandler } from './console.ts'

/** One for everything verbose, so that it hears each event once. With tokens: a verbose model would print nothing otherwise. */
export const shared: readonly Handler[] = [new ConsoleCallbackHandler({ style: 'transcript', tokens: true })]
