import { errorMessage } from './error-message.ts'

/** Names of headers, fields and parameters whose values are secret; `myApiKey` and `x-goog-api-key` end like them. */
export const SECRET_NAME_SOURCE =
  '(?:authorization|cookie|credential|secret|pass(?:word|wd|phrase)|(?:api|access|account|auth|private|secret|subscription)[-_ ]?key)s?|[-\\w]token'

/**
 * What has the shape of a secret in any text. A match is the whole secret and nothing else, so that it can be masked. Each pattern takes time
 * linear in the text: none looks back, or far ahead, from a place where no secret can begin. One that did took seconds for 40,000 spaces, or
 * for 10,000 mail addresses. `POSSIBLE_SECRET` in log/redact.ts must match wherever one of these does.
 */
export const SECRET_PATTERNS: readonly RegExp[] = [
  // At the start of a word, and after `_`, an escape such as \n, and %20. OpenAI and its many lookalikes, Stripe, Langfuse; Groq, xAI,
  // Perplexity, Hugging Face, Replicate, npm, webhooks, GitHub, GitLab, Slack, SendGrid; Google, AWS.
  /(?=[ASgnprshxwy])(?<=^|[\W_]|\\[nrt]|(?:%|\\u..)..)(?:[spr]k[-_][\w*-]{8,}|(?:gsk|xai|pplx|hf|r8|npm|whsec|gh[oprsu]|github_pat|glpat|xox.|SG|ya29)[-_.][\w-]{16,}(?:\.[\w-]{16,})?|AIza[\w-]{20,}|A[KS]IA[A-Z\d]{12,})/g,
  // JSON Web Tokens.
  /eyJ(?:(?!eyJ)[\w-]){8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  // Prose has the words "bearer" and "token" too, but then no digits follow.
  /(?=[^\s"'\\])(?<=\bbearer(?:\s+|\\[nrt]|(?:%|\\u..)..)|token["'\\]*\s*(?:[:=>]{1,2}|%3.)\s*["'\\]*)(?=\S{0,64}\d)[^\s"'\\,;&}]{8,}/gi,
  new RegExp(
    String.raw`(?=[^\s"'\\])(?<=(?:${SECRET_NAME_SOURCE})["'\\]*\s*(?:[:=>]{1,2}|%3.)\s*["'\\]*(?:bearer |basic )?)(?!bearer |basic )[^\s"'\\,;&}]{4,}`,
    'gi',
  ),
  /(?<=(?:[?&]|%3f|%26)(?:key|token|sig\w*)(?:=|%3d))[^\s"'\\,;&}]{4,}/gi,
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
  /(?<=PRIVATE KEY-----)[^-]+/g,
]

/** Shorter values are no keys, and occur in ordinary text. */
const MIN_SECRET_CHARS = 8

/** Names of headers that carry secrets. */
const secretHeaderPattern: RegExp = /auth|key|token|secret|cookie/i

/** The secrets among request headers; of `Bearer …` only the token. */
export function headerSecrets(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => (secretHeaderPattern.test(name) ? [value.replace(/^\w+ +/, '')] : []))
}

/** Returns a function that redacts these secrets, and every match of `SECRET_PATTERNS`, in a text (P11). Providers and proxies echo keys. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const known = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS)
  const all = [...known, ...SECRET_PATTERNS]
  return (text) => all.reduce<string>((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
}

/**
 * Copies an error of another library for use as a cause: name, code, message, stack and causes, redacted. Other properties, such as requests
 * and headers, are dropped.
 */
export function redactCause(error: unknown, redact: (text: string) => string, depth = 4): unknown {
  if (!(error instanceof Error)) return redact(errorMessage(error))
  const { code } = error as { code?: unknown }
  const cause = error.cause === undefined || depth === 0 ? undefined : { cause: redactCause(error.cause, redact, depth - 1) }
  const copy = new Error(redact(error.message), cause)
  copy.name = error.name
  if (error.stack) copy.stack = redact(error.stack)
  return typeof code === 'string' ? Object.assign(copy, { code }) : copy
}
