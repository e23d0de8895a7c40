import { ChaintapError, type ErrorCode, ModelError } from '../../core/errors.ts'
import type { Availability } from './api.ts'

const fallbackHint = 'Add a fallback: fallback(new BrowserAI(), other).'

/** The error of a browser model that cannot be used now: the reason and what to do. */
export function modelUnavailableError(availability: Availability | undefined): ModelError {
  if (availability === undefined) {
    const reason = 'This page has no LanguageModel: the Prompt API requires https, a window and a browser that supports it'
    return new ModelError('model_unavailable', `${reason}. ${fallbackHint}`)
  }
  if (availability === 'unavailable') {
    const reason = 'The browser has no model for this device, these languages or these kinds of input'
    return new ModelError('model_unavailable', `${reason}. ${fallbackHint}`, { providerType: availability })
  }
  return modelDownloadError(availability)
}

const modelDownloadError = (availability: Availability, cause?: unknown): ModelError =>
  new ModelError(
    'model_download',
    `The browser's model is ${availability}. Call BrowserAI.download() when the visitor clicks, and retry after it. ${fallbackHint}`,
    { providerType: availability, cause },
  )

/** The error code and explanation of each exception of the Prompt API. */
const exceptionMeanings: Readonly<Record<string, readonly [code: ErrorCode, what: string]>> = {
  NotAllowedError: ['model_unavailable', `The visitor, or a policy of the page or the browser, does not permit it. ${fallbackHint}`],
  NotSupportedError: [
    'wire',
    'Declare the languages and kinds of input in expectedInputs and expectedOutputs, or simplify responseConstraint.',
  ],
  NotReadableError: ['wire', 'The browser withheld the output as harmful or low in quality.'],
  SyntaxError: ['wire', 'No output matched responseConstraint.'],
}

/**
 * Converts an exception of the Prompt API to an error of the library, with the exception as its cause.
 *
 * @param availability - of the model when the session was created
 *
 * @see https://webmachinelearning.github.io/prompt-api/#language-model-errors
 */
export function promptError(cause: unknown, availability?: Availability): unknown {
  if (!(cause instanceof Error) || cause instanceof ChaintapError) return cause
  const { name, message, requested, quota } = cause as Error & { readonly requested?: number; readonly quota?: number }
  const isDownload = availability === 'downloadable' || availability === 'downloading'
  if (isDownload && name === 'NotAllowedError') return modelDownloadError(availability, cause)
  if (isDownload && name === 'NetworkError') {
    return new ChaintapError('network', `The download of the browser's model failed: ${message} Retry the call. ${fallbackHint}`, { cause })
  }
  const facts = { providerType: name, cause }
  if (name === 'QuotaExceededError') {
    const sizes = requested && quota ? `: ${requested} tokens, at most ${quota} fit` : ''
    return new ModelError('context_overflow', `The conversation is too long for the browser's model${sizes}. Shorten it.`, facts)
  }
  const [code, hint] = exceptionMeanings[name] ?? ['wire', '']
  return new ModelError(code, `BrowserAI failed (${name}): "${message}". ${hint}`.trim(), facts)
}
