/**
 * What the tables call each wire.
 * @type {Readonly<Record<import('./wire.ts').Format, string>>}
 */
export const titles = { anthropic: "Anthropic's wire", openai: "OpenAI's wire" }
