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

/** When a call may wait for the model's download. */
export type Download = 'activated' | 'always' | 'never'

/** What a session is made with, and how. */
export interface SessionInit {
  readonly languageModel: LanguageModelFactory | undefined
  readonly download: Download
  /** From 0 to 1. */
  readonly onProgress: (progress: number) => void
  readonly initialPrompts?: readonly PromptMessage[]
  readonly signal?: AbortSignal
}

/** Where there is no Prompt API, or it cannot say, the model is unavailable. */
export async function checkAvailability(
  core: LanguageModelCreateCoreOptions,
  languageModel: LanguageModelFactory | undefined,
): Promise<Availability> {
  return (await (languageModel ?? pageLanguageModel())?.availability(core).catch(() => undefined)) ?? 'unavailable'
}

/**
 * Makes a session, after a download where it is allowed for.
 *
 * @throws ModelError `model_unavailable`, `model_download`, `context_overflow`, `wire`; ChaintapError `network`.
 */
export async function createLanguageModelSession(core: LanguageModelCreateCoreOptions, making: SessionInit): Promise<LanguageModelSession> {
  const { languageModel = pageLanguageModel(), download, onProgress, initialPrompts, signal } = making
  if (!languageModel) throw modelUnavailableError(undefined)
  let availability: Availability | undefined
  try {
    availability = await languageModel.availability(core)
    const isThere = availability === 'available'
    if (availability === 'unavailable' || (!isThere && !isDownloadAllowed(download))) throw modelUnavailableError(availability)
    return await languageModel.create({
      ...core,
      ...(initialPrompts?.length && { initialPrompts }),
      ...(signal && { signal }),
      // A model that is there has a progress all the same: 0, and then 1.
      ...(!isThere && { monitor: downloadMonitor(onProgress) }),
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
