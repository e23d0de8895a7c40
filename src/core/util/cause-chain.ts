/** Ends chains that are circular. */
const MAX_CAUSES = 8

/** Returns an error and its causes, outermost first, at most 8. */
export function causeChain(error: unknown): readonly unknown[] {
  const chain = [error]
  for (let at = error; at instanceof Error && at.cause !== undefined && chain.length < MAX_CAUSES; at = at.cause) chain.push(at.cause)
  return chain
}
