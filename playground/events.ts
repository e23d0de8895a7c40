import type { Outcome, RunEvent } from 'chaintap'
import { decoder, parse } from 'chaintap/json'
import { createParser } from 'eventsource-parser'

/** How a run ended, as the Worker's last event says it. */
export type Ending = Pick<Outcome<string>, 'status' | 'usage' | 'firstTokenMs' | 'durationMs'> & { readonly error?: unknown }

/** The model that answers. */
export interface Model {
  readonly name: string
  readonly offline: boolean
}

export async function whichModel(): Promise<Model> {
  return (await answered(fetch('/api/model'))).json() as Promise<Model>
}

/** What the Worker answers with. */
export type Way = 'chain' | 'agent'

/**
 * Asks the Worker, and tells each event of its runs as it comes.
 *
 * @throws Error that says in words what went wrong on the way; the signal's reason where it aborts
 */
export async function ask(way: Way, question: string, signal: AbortSignal, heard: (event: RunEvent) => void): Promise<Ending> {
  // The page's own ?pace= goes to the Worker.
  const response = await answered(
    fetch(`/api/${way}${location.search}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: { question } }),
      signal,
    }),
  )
  const decode = decoder()
  let ending: Ending | undefined
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === 'outcome') ending = parse(data) as Ending
      else heard(decode(data))
    },
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) parser.feed(read.value)
  } catch (error) {
    throw lostBy(error)
  }
  if (!ending) throw lostBy(undefined)
  return ending
}

async function answered(sent: Promise<Response>): Promise<Response> {
  const response = await sent.catch((error: unknown) => {
    throw isAbort(error) ? error : new Error('The Worker cannot be reached. Is it still running?', { cause: error })
  })
  if (response.ok) return response
  const said = (await response.json().catch(() => undefined)) as { error?: string } | undefined
  throw new Error(`The Worker refused: ${said?.error ?? `${response.status} ${response.statusText}`}`)
}

/** Engines name a lost connection each in its own, short way. */
const lostBy = (error: unknown): unknown =>
  error === undefined || error instanceof TypeError
    ? new Error('The connection was lost before the answer ended.', { cause: error })
    : error

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError'
