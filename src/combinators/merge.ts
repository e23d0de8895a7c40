import type { Flow } from '../core/flow/flow.ts'
import type { Fold } from '../core/flow/fold.ts'
import type { Source, SourceResult } from '../core/flow/source.ts'

/** One branch: what opens it, and its flow once it is open. */
export interface MergeBranch {
  readonly key: string
  readonly open: () => Promise<Flow>
  flow?: Flow
}

/**
 * The chunks of several flows as they come, each as an object of one key; a value is what had come when it was asked for. At most
 * `limit` branches are open at once, and each is read one batch ahead at most.
 */
export class MergedSource implements Source<readonly Readonly<Record<string, unknown>>[]> {
  readonly #waiting: MergeBranch[]
  readonly #limit: number
  /** Open branches that must be asked for more. */
  #idle: MergeBranch[] = []
  #open = 0
  #ready: Record<string, unknown>[] = []
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(branches: readonly MergeBranch[], limit: number) {
    this.#waiting = [...branches]
    this.#limit = Math.max(1, limit)
  }

  async next(): Promise<SourceResult<readonly Record<string, unknown>[]>> {
    for (;;) {
      if (this.#ready.length > 0) {
        const value = this.#ready
        this.#ready = []
        return { done: false, value }
      }
      if (this.#failure) throw this.#failure.error
      this.#start()
      if (this.#open === 0) return { done: true }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  cancel(reason: unknown): void {
    this.#waiting.length = 0
    this.#failure ??= { error: reason }
    this.#wake?.()
    // The flows are closed with their runs.
  }

  #start(): void {
    const idle = this.#idle
    this.#idle = []
    for (const branch of idle) void this.#read(branch)
    for (let branch = this.#takeWaiting(); branch; branch = this.#takeWaiting()) {
      this.#open++
      void this.#read(branch)
    }
  }

  #takeWaiting(): MergeBranch | undefined {
    return this.#open < this.#limit ? this.#waiting.shift() : undefined
  }

  async #read(branch: MergeBranch): Promise<void> {
    try {
      branch.flow ??= await branch.open()
      const batch = await branch.flow.next()
      if (batch) {
        for (const chunk of batch) this.#ready.push({ [branch.key]: chunk })
        this.#idle.push(branch)
      } else this.#open--
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#wake?.()
  }
}

/** Each key's chunks folded as its own branch folds them, on top of what `base` has. */
export function foldByKey(
  branches: readonly MergeBranch[],
  base: Readonly<Record<string, unknown>> = {},
): Fold<Readonly<Record<string, unknown>>> {
  const folds = new Map<string, Fold>()
  const foldOf = (branch: MergeBranch): Fold | undefined => {
    const known = folds.get(branch.key)
    if (known || !branch.flow) return known
    const made = branch.flow.fold()
    folds.set(branch.key, made)
    return made
  }
  const byKey = new Map(branches.map((branch) => [branch.key, branch]))
  return {
    add(chunk) {
      if (chunk === base) return
      for (const [key, value] of Object.entries(chunk)) {
        const branch = byKey.get(key)
        if (branch) foldOf(branch)?.add(value)
      }
    },
    result: () => ({ ...base, ...Object.fromEntries(branches.map((branch) => [branch.key, foldOf(branch)?.result()])) }),
  }
}
