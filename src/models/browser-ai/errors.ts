import { ChaintapError, type ErrorCode, ModelError } from '../../core/errors.ts'
import type { Availability } from './api.ts'

const fallbackHint = 'Give another model beside it: fallback(new BrowserAI(), other).'

/** Why the browser's model cannot answer now, and what to do. */
export function modelUnavailableError(availability: Availability | undefined): ModelError {
  if (availability === undefined) {
    const told = 'This page has no LanguageModel: the Prompt API needs https, a window, and a browser that has it'
    return new ModelError('model_unavailable', `${told}. ${fallbackHint}`)
  }
  if (availability === 'unavailable') {
    const told = 'The browser has no model for this device, these languages or these kinds of input'
    return new ModelError('model_unavailable', `${told}. ${fallbackHint}`, { providerType: availability })
  }
  return modelDownloadError(availability)
}

const modelDownloadError = (availability: Availability, cause?: unknown): ModelError =>
  new ModelError(
    'model_download',
    `The browser's model is ${availability}. Call BrowserAI.download() when the visitor clicks, and ask again when it is there. ${fallbackHint}`,
    { providerType: availability, cause },
  )

/** What the names of the Prompt API's exceptions mean, and what to do. */
const exceptionMeanings: Readonly<Record<string, readonly [code: ErrorCode, what: string]>> = {
  NotAllowedError: ['model_unavailable', `The visitor, or a policy of the page or the browser, does not allow for it. ${fallbackHint}`],
  NotSupportedError: [
    'wire',
    'Name the languages and kinds of input in expectedInputs and expectedOutputs, or simplify responseConstraint.',
  ],
  NotReadableError: ['wire', 'The browser held its answer back, as harmful or as nonsense.'],
  SyntaxError: ['wire', 'No answer fitted responseConstraint.'],
}

/**
 * An exception of the Prompt API as an error of ours, which is its cause. `availability`: of the model when a session was asked for.
 *
 * @see https://webmachinelearning.github.io/prompt-api/#language-model-errors
 */
export function promptError(cause: unknown, availability?: Availability): unknown {
  if (!(cause instanceof Error) || cause instanceof ChaintapError) return cause
  const { name, message, requested, quota } = cause as Error & { readonly requested?: number; readonly quota?: number }
  const isDownload = availability === 'downloadable' || availability === 'downloading'
  if (isDownload && name === 'NotAllowedError') return modelDownloadError(availability, cause)
  if (isDownload && name === 'NetworkError') {
    return new ChaintapError('network', `The download of the browser's model failed: ${message} Ask again. ${fallbackHint}`, { cause })
  }
  const facts = { providerType: name, cause }
  if (name === 'QuotaExceededError') {
    const sizes = requested && quota ? `: ${requested} tokens, where ${quota} fit` : ''
    return new ModelError('context_overflow', `The conversation is too long for the browser's model${sizes}. Send less of it.`, facts)
  }
  const [code, hint] = exceptionMeanings[name] ?? ['wire', '']
  return new ModelError(code, `BrowserAI failed (${name}): "${message}". ${hint}`.trim(), facts)
}
