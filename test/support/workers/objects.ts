import { DurableObject } from 'cloudflare:workers'

/** A Durable Object whose storage tests use. */
export class Storage extends DurableObject {}

export default {
  fetch: (): Response => new Response(null, { status: 404 }),
  /** Stores the messages of the queue for tests. */
  async queue({ messages }: MessageBatch<string>, { BUCKET }: { readonly BUCKET: R2Bucket }): Promise<void> {
    for (const { id, body } of messages) await BUCKET.put(`queued/${id}`, body)
  },
}
