import { DurableObject } from 'cloudflare:workers'

/** Somewhere to keep things in tests. */
export class Storage extends DurableObject {}

export default {
  fetch: (): Response => new Response(null, { status: 404 }),
  /** Keeps what came over the queue where tests look for it. */
  async queue({ messages }: MessageBatch<string>, { BUCKET }: { readonly BUCKET: R2Bucket }): Promise<void> {
    for (const { id, body } of messages) await BUCKET.put(`queued/${id}`, body)
  },
}
