/** Parses JSON. Returns undefined, which JSON cannot express, if the text is not valid JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A JSON object whose members have not been checked. */
export type JsonObject = Readonly<Record<string, unknown>>
