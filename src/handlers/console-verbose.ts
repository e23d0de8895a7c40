import type { Handler } from '../core/event.ts'

/** What `verbose: true` adds to an object's own callbacks: the console transcript, loaded when it is first asked for. */
export async function verboseCallbacks(): Promise<readonly Handler[]> {
  const { shared } = await import('./console-shared.ts')
  return shared
}
