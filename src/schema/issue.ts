/** What is wrong with a value, and where: the keys from the outside in, none where it is the whole. */
export interface Issue {
  readonly message: string
  readonly path: readonly PropertyKey[]
}
