/** A problem of a value that a schema rejects. */
export interface Issue {
  /** What is wrong. */
  readonly message: string
  /** Where: the keys from the outermost in; empty for the value itself. */
  readonly path: readonly PropertyKey[]
}
