import { DurableObject } from 'cloudflare:workers'

/** Somewhere to keep things in tests. */
export class Storage extends DurableObject {}

export default { fetch: (): Response => new Response(null, { status: 404 }) }
