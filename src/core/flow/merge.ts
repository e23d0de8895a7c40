import type { Flow } from './flow.ts'
import type { Fold } from './fold.ts'
import type { Source, SourceResult } from './source.ts'

/** A branch of {@link MergedSource}. */
export interface MergeBranch {
  /** The key of its chunks. Without it they are objects with keys of their own: the input of `assign`. */
  readonly key?: string
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
  readonly #cancelInput: ((reason: unknown) => void) | undefined
  /** Open branches without a pending read. */
  #idle: MergeBranch[] = []
  #open = 0
  #ready: Readonly<Record<string, unknown>>[] = []
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  /** @param cancelInput Cancels what the branches read, if they share it. */
  constructor(branches: readonly MergeBranch[], limit: number, cancelInput?: (reason: unknown) => void) {
    this.#cancelInput = cancelInput
    this.#waiting = [...branches]
    this.#limit = Math.max(1, limit)
  }

  async next(): Promise<SourceResult<readonly Readonly<Record<string, unknown>>[]>> {
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
    this.#cancelInput?.(reason)
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
        for (const chunk of batch)
          this.#ready.push(branch.key === undefined ? (chunk as Readonly<Record<string, unknown>>) : { [branch.key]: chunk })
        this.#idle.push(branch)
      } else this.#open--
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#wake?.()
  }
}

/** Creates a fold that accumulates the chunks of each branch with its own fold. The output of a branch without a key is the base. */
export function foldByKey(branches: readonly MergeBranch[]): Fold<Readonly<Record<string, unknown>>> {
  const folds = new Map<MergeBranch, Fold>()
  const foldOf = (branch: MergeBranch | undefined): Fold | undefined => {
    const known = branch && folds.get(branch)
    if (known || !branch?.flow) return known
    const fold = branch.flow.fold()
    folds.set(branch, fold)
    return fold
  }
  const byKey = new Map(branches.map((branch) => [branch.key, branch]))
  return {
    add(chunk) {
      const entries = Object.entries(chunk)
      for (const [key, value] of entries) foldOf(byKey.get(key))?.add(value)
      // The base has no key of a step.
      if (!entries.some(([key]) => byKey.has(key))) foldOf(byKey.get(undefined))?.add(chunk)
    },
    result: () => ({
      ...(foldOf(byKey.get(undefined))?.result() as object | undefined),
      ...Object.fromEntries(branches.flatMap((branch) => (branch.key === undefined ? [] : [[branch.key, foldOf(branch)?.result()]]))),
    }),
    keepsKeys: true,
  }
}
