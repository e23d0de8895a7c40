import type { Delta } from './delta.ts'
import type { Audience, Wait } from './dispatch.ts'
import type { OpenRun } from './run.ts'
import { mergeUsage } from './usage.ts'

/** How a model's run announces its chunks: text as `token`, anything else as `delta`. Other runs announce nothing: their child did. */
export function say(run: OpenRun, audience: Audience): ((chunk: unknown) => Wait) | undefined {
  const token = (text: string): Wait => {
    run.tree.firstTokenAt ??= Date.now()
    return text === '' || !run.announces ? undefined : audience.token(text)
  }
  if (run.run.kind === 'llm') return (chunk) => token(chunk as string)
  if (run.run.kind !== 'chat_model') return
  return (chunk) => {
    const delta = chunk as Delta
    if (delta.type === 'text') return token(delta.text)
    if (delta.type === 'usage') run.usage = mergeUsage(run.usage, delta.usage)
    return run.announces ? audience.tell({ type: 'delta', delta: { ...delta } }) : undefined
  }
}
