// Separate from the meter, so that code that only tags calls does not load it.

/**
 * The key of a call's tag in the options of `fetch`. The tag is returned as `tag` of the call's record. If it is a counter or another
 * listener, that listener receives the record too. The tag is not sent to the provider. `@anthropic-ai/sdk`, `openai` and `groq-sdk` pass
 * it on; other clients build a Request, which loses it: give each of them its own meter.
 *
 * @example
 * // await client.messages.create(params, { fetchOptions })
 * const fetchOptions = { [usageTag]: 'search' }
 */
export const usageTag: unique symbol = Symbol.for('chaintap.usageTag')

/**
 * Returns options of `fetch` that carry a tag: see {@link usageTag}. Their type has no fields, because SDKs forbid some fields of
 * RequestInit.
 *
 * @param tag - A counter or listener that also receives the record, or any value. A counter sums the usage of each string in `byTag`.
 *
 * @example
 * // await client.messages.create(params, { fetchOptions })
 * const fetchOptions = tagged('search')
 */
export const tagged = (tag: unknown): Readonly<Record<never, never>> => ({ [usageTag]: tag })
