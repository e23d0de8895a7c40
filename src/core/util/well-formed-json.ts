/**
 * Encodes a value as JSON without halves of surrogate pairs, which strict servers refuse: a text that was cut within an emoji ends with one.
 * They become U+FFFD.
 */
export function wellFormedJson(value: unknown): string {
  const json = JSON.stringify(value)
  // JSON.stringify escapes halves alone, in lower case (https://tc39.es/ecma262/#sec-quotejsonstring). After an escaped backslash, ud83d is text.
  return /\\ud[89a-f]/.test(json) ? json.replace(/\\(?:ud[89a-f]..|.)/g, (sequence) => (sequence.length > 2 ? '\ufffd' : sequence)) : json
}
