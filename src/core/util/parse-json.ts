/** Parses JSON. Returns undefined, which JSON cannot express, if the text is not valid JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Parses JSON that a model wrote. Strings may contain line breaks, tabs and other control characters that are not escaped. Returns undefined
 * if the text is not valid JSON otherwise.
 */
export function parseModelJson(text: string): unknown {
  // The end of the pattern matches any rest of the text, so that it takes linear time.
  return parseJson(text) ?? parseJson(text.replace(/"(?:[^"\\]+|\\.)*(?:"|\\?$)/gs, escapeControlCharacters))
}

const escapeControlCharacters = (string: string): string =>
  string.replace(/\\.|[^ -\uffff]/gs, (found) => (found.length > 1 ? found : JSON.stringify(found).slice(1, -1)))

/** A JSON object whose members have not been checked. */
export type JsonObject = Readonly<Record<string, unknown>>
