import { RemoteRunnable } from 'chaintap/remote'

/** The model that answers. */
export interface Model {
  readonly name: string
  readonly offline: boolean
}

export async function whichModel(): Promise<Model> {
  const response = await fetch('/api/model').catch((cause: unknown) => {
    throw new Error('The Worker cannot be reached. Is it still running?', { cause })
  })
  return response.json() as Promise<Model>
}

/** Who answers: the Worker's chains, as if they ran here. */
export type Way = 'chain' | 'agent' | 'resumable'

type Remote = RemoteRunnable<{ readonly question: string }, unknown, string>

// The page's own ?pace= goes to the Worker.
const at = (way: Way): string => `/api/${way}${location.search}`

/** Where a page that is loaded anew finds what it was listening to. */
const place = 'run'

const chains: Readonly<Record<Way, Remote>> = {
  chain: new RemoteRunnable(at('chain')),
  agent: new RemoteRunnable(at('agent')),
  resumable: new RemoteRunnable(at('resumable'), { onResumable: ({ id }) => sessionStorage.setItem(place, id) }),
}

export const remote = (way: Way): Remote => chains[way]

/** The answer that this tab was listening to when it was left. */
export const unfinished = (): string | null => sessionStorage.getItem(place)

export const forgetUnfinished = (): void => sessionStorage.removeItem(place)
