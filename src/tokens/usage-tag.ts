// Apart from the meter: who marks a call need not load it.

/**
 * The key of a call's own mark, which comes back as `tag` of its record; where it is a counter, or another listener, that is told of the
 * call too. It goes where an SDK takes options for `fetch`, and not on the
 * wire. Known to `@anthropic-ai/sdk`, `openai` and `groq-sdk`; others build a Request, which loses it: give them a meter of their own.
 *
 * @example
 * await client.messages.create(params, { fetchOptions: tagged('search') })
 */
export const usageTag: unique symbol = Symbol.for('chaintap.usageTag')

/** Options of `fetch` that carry a mark: see {@link usageTag}. Of a type without fields, for SDKs forbid some of a RequestInit's. */
export const tagged = (tag: unknown): Readonly<Record<never, never>> => ({ [usageTag]: tag })
