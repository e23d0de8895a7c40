import type { Flow } from './flow.ts'
import type { Fold } from './fold.ts'
import type { Source, SourceResult } from './source.ts'

/** A branch of {@link MergedSource}. */
export interface MergeBranch {
  /** The key of its chunks. */
  readonly key: string
  /** Starts the branch. */
  readonly open: () => Promise<Flow>
  /** Set once the branch is open. */
  flow?: Flow
}

/**
 * Merges the chunks of several flows in order of arrival, each as an object with one key. A value is the list of chunks that have arrived
 * when it is read. At most `limit` branches are open at once, and each is read at most one batch ahead.
 */
export class MergedSource implements Source<readonly Readonly<Record<string, unknown>>[]> {
  readonly #waiting: MergeBranch[]
  readonly #limit: number
  /** Open branches without a pending read. */
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
    // The flows are cancelled when their runs close.
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

/** Creates a fold that accumulates the chunks of each key with its branch's own fold, and adds the outputs to `base`. */
export function foldByKey(
  branches: readonly MergeBranch[],
  base: Readonly<Record<string, unknown>> = {},
): Fold<Readonly<Record<string, unknown>>> {
  const folds = new Map<string, Fold>()
  const foldOf = (branch: MergeBranch): Fold | undefined => {
    const known = folds.get(branch.key)
    if (known || !branch.flow) return known
    const fold = branch.flow.fold()
    folds.set(branch.key, fold)
    return fold
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
