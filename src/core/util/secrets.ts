/** Names of headers, fields and parameters whose values are secret; `myApiKey` and `x-goog-api-key` end like them. */
export const SECRET_NAME_SOURCE =
  'authorization|cookie|(?:api|access|private)[-_]?key|secret|pass(?:w(?:or)?d|phrase)|(?:access|auth|refresh|session|bearer|id)[-_]?token'

/**
 * What has the shape of a secret in any text. A match is the whole secret and nothing else, so that it can be masked. Each pattern takes time
 * linear in the text: none looks back, or far ahead, from a place where no secret can begin. One that did took seconds for 40,000 spaces, or
 * for 10,000 mail addresses. `POSSIBLE_SECRET` in log/redact.ts must match wherever one of these does.
 */
export const SECRET_PATTERNS: readonly RegExp[] = [
  // OpenAI and its many lookalikes, Stripe, Langfuse.
  /\b[spr]k[-_][\w*-]{8,}/g,
  // Groq, xAI, Perplexity, Hugging Face, Replicate, GitHub, GitLab, Slack.
  /\b(?:gsk|xai|pplx|hf|r8|gh[oprsu]|github_pat|glpat|xox[a-z])[-_][\w-]{16,}/g,
  // Google, AWS, JSON Web Tokens.
  /\b(?:AIza[\w-]{20,}|A[KS]IA[A-Z\d]{12,})/g,
  /eyJ(?:(?!eyJ)[\w-]){8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  // Prose has the word "bearer" too, but then no digits follow.
  /(?=\S)(?<=\bbearer +)(?=\S*\d)[^\s"',;\\]{8,}/gi,
  new RegExp(
    `(?=[^\\s"'\\\\])(?<=(?:${SECRET_NAME_SOURCE})["'\\\\]*\\s*[:=]\\s*["'\\\\]*(?:bearer |basic )?)(?!bearer |basic )[^\\s"'\\\\,;&}]{4,}`,
    'gi',
  ),
  /(?<=[?&](?:key|token|sig|signature)=)[^&\s"'#\\]{4,}/gi,
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
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
  return (text) => {
    const clean = known.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
    return SECRET_PATTERNS.reduce((rest, pattern) => rest.replace(pattern, '[redacted]'), clean)
  }
}

/**
 * Copies an error of another library for use as a cause: name, code, message, stack and causes, redacted. Other properties, such as requests
 * and headers, are dropped.
 */
export function redactCause(error: unknown, redact: (text: string) => string, depth = 4): unknown {
  if (!(error instanceof Error)) return redact(String(error))
  const { code } = error as { code?: unknown }
  const cause = error.cause === undefined || depth === 0 ? undefined : { cause: redactCause(error.cause, redact, depth - 1) }
  const copy = new Error(redact(error.message), cause)
  copy.name = error.name
  if (error.stack) copy.stack = redact(error.stack)
  return typeof code === 'string' ? Object.assign(copy, { code }) : copy
}
