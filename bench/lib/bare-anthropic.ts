import { bareLoop } from './bare.ts'

/** The bare loop in a Worker, to measure its cold start. */
export default (fetch: typeof globalThis.fetch): { invoke(): Promise<string> } => ({
  async invoke() {
    let text = ''
    await bareLoop(fetch, (token) => {
      text += token
    })
    return text
  },
})
