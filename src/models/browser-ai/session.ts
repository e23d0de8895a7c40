import {
  type Availability,
  hasUserActivation,
  type LanguageModelCreateCoreOptions,
  type LanguageModelCreateOptions,
  type LanguageModelFactory,
  type LanguageModelSession,
  type PromptMessage,
  pageLanguageModel,
} from './api.ts'
import { modelUnavailableError, promptError } from './errors.ts'

/** When a call may start the model's download, or wait for it. See `BrowserAIOptions.download`. */
export type Download = 'activated' | 'always' | 'never'

/** How a session is created, beside the options of the Prompt API. */
export interface SessionInit {
  readonly languageModel: LanguageModelFactory | undefined
  readonly download: Download
  /** Called with the progress of a download, from 0 to 1. */
  readonly onProgress: (progress: number) => void
  readonly initialPrompts?: readonly PromptMessage[]
  readonly signal?: AbortSignal
}

/** Whether the model can be used. `unavailable` if there is no Prompt API, or if it fails. */
export async function checkAvailability(
  core: LanguageModelCreateCoreOptions,
  languageModel: LanguageModelFactory | undefined,
): Promise<Availability> {
  return (await (languageModel ?? pageLanguageModel())?.availability(core).catch(() => undefined)) ?? 'unavailable'
}

/**
 * Creates a session, after a download if `download` permits one.
 *
 * @throws ModelError `model_unavailable`, `model_download`, `context_overflow`, `wire`; ChaintapError `network`.
 */
export async function createLanguageModelSession(core: LanguageModelCreateCoreOptions, init: SessionInit): Promise<LanguageModelSession> {
  const { languageModel = pageLanguageModel(), download, onProgress, initialPrompts, signal } = init
  if (!languageModel) throw modelUnavailableError(undefined)
  let availability: Availability | undefined
  try {
    availability = await languageModel.availability(core)
    const isAvailable = availability === 'available'
    if (availability === 'unavailable' || (!isAvailable && !isDownloadAllowed(download))) throw modelUnavailableError(availability)
    return await languageModel.create({
      ...core,
      ...(initialPrompts?.length && { initialPrompts }),
      ...(signal && { signal }),
      // Without this condition an available model would report progress too: 0, then 1.
      ...(!isAvailable && { monitor: downloadMonitor(onProgress) }),
    })
  } catch (error) {
    throw signal?.aborted ? error : promptError(error, availability)
  }
}

const isDownloadAllowed = (download: Download): boolean => download === 'always' || (download === 'activated' && hasUserActivation())

const downloadMonitor =
  (onProgress: (progress: number) => void): NonNullable<LanguageModelCreateOptions['monitor']> =>
  (target) => {
    target.addEventListener('downloadprogress', (event) => {
      const { loaded, total } = event as Event & { readonly loaded: number; readonly total: number }
      onProgress(loaded / (total || 1))
    })
  }
