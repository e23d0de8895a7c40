import { RemoteRunnable } from 'chaintap/remote'

/** The model that the Worker uses. */
export interface Model {
  readonly name: string
  readonly offline: boolean
}

export async function whichModel(): Promise<Model> {
  const response = await fetch('/api/model').catch((cause: unknown) => {
    throw new Error('Could not reach the Worker. Check that it is still running.', { cause })
  })
  return response.json() as Promise<Model>
}

/** The Worker's chains. */
export type Way = 'chain' | 'agent' | 'resumable'

type Remote = RemoteRunnable<{ readonly question: string }, unknown, string>

// The page passes its own ?pace= on to the Worker.
const at = (way: Way): string => `/api/${way}${location.search}`

/** The key in sessionStorage of the unfinished run's id, which survives a reload. */
const runIdKey = 'run'

const chains: Readonly<Record<Way, Remote>> = {
  chain: new RemoteRunnable(at('chain')),
  agent: new RemoteRunnable(at('agent')),
  resumable: new RemoteRunnable(at('resumable'), { onResumable: ({ id }) => sessionStorage.setItem(runIdKey, id) }),
}

export const remote = (way: Way): Remote => chains[way]

/** The id of the run that this tab was reading when it was reloaded. */
export const unfinished = (): string | null => sessionStorage.getItem(runIdKey)

export const forgetUnfinished = (): void => sessionStorage.removeItem(runIdKey)
