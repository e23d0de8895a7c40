/** Shorter ones are no keys, and would tear holes into every text. */
const MIN_SECRET_CHARS = 8

/** Headers that carry what nobody else may see. */
const secretHeaderPattern: RegExp = /auth|key|token|secret|cookie/i

/** The secrets among request headers; of `Bearer …` the token alone. */
export function headerSecrets(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => (secretHeaderPattern.test(name) ? [value.replace(/^\w+ +/, '')] : []))
}

/** What takes secrets out of a text: these, and whatever looks like a key (P11). Providers and proxies do echo them. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const known = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS)
  return (text) => {
    const clean = known.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
    return clean.replace(/\bsk-[\w*-]{8,}/g, '[redacted]').replace(/\b(bearer) +[^\s"',]{8,}/gi, '$1 [redacted]')
  }
}

/**
 * An error of somebody else's as a cause: name, code, message, stack and causes without secrets. A copy, because others hang
 * requests and headers on their errors.
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

/** A URL for messages: without a user, a password or a query. */
export const stripUrlSecrets = (url: string): string => url.replace(/\/\/[^/]*@/, '//').replace(/[?#].*/, '')
