/** Returns the message of an error, or any other value as a string. Never throws: a thrown value may have no string form. */
export function errorMessage(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'An error without a message.'
  }
}
