/** The compatibility flags of the Worker that this runs in, those that its date brings included; undefined elsewhere. */
export function workerFlags(): Readonly<Record<string, boolean>> | undefined {
  const { Cloudflare } = globalThis as { Cloudflare?: { readonly compatibilityFlags?: Readonly<Record<string, boolean>> } }
  return Cloudflare?.compatibilityFlags
}
