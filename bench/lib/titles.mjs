/**
 * The name of each wire format in the tables.
 * @type {Readonly<Record<import('./wire.ts').Format, string>>}
 */
export const titles = { anthropic: "Anthropic's wire", openai: "OpenAI's wire" }
