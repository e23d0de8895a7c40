/** Returns the compatibility flags of the Worker that this runs in, including those implied by its date; undefined outside workerd. */
export function workerFlags(): Readonly<Record<string, boolean>> | undefined {
  const { Cloudflare } = globalThis as { Cloudflare?: { readonly compatibilityFlags?: Readonly<Record<string, boolean>> } }
  return Cloudflare?.compatibilityFlags
}
