/** What a JSON text says; undefined, which no JSON says, where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A JSON object whose members have not been checked. */
export type JsonObject = Readonly<Record<string, unknown>>
