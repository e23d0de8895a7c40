// Fakes and recorders for tests of chains and for demos without an API key. They use no network.
export type { JsonObject } from '../core/util/parse-json.ts'
export { type AnthropicAnswer, anthropicJson, anthropicSse } from './anthropic-sse.ts'
export type { FaultyAnswer } from './faulty-answer.ts'
export { type FaultyCall, type FaultyFetch, type FaultyScript, faultyFetch } from './faulty-fetch.ts'
export type { ModelScript, ScriptedAnswer } from './model-script.ts'
export { type OfflineOptions, offlineFetch } from './offline.ts'
export {
  type OpenAIAnswer,
  type OpenAICompletion,
  openaiCompletionJson,
  openaiCompletionSse,
  openaiJson,
  openaiSse,
} from './openai-sse.ts'
export { type Recorder, recorder } from './recorder.ts'
export type { FetchLike } from './request.ts'
export { type ScriptedModel, type ScriptedModelOptions, type ScriptedRecord, scriptedModel } from './scripted-model.ts'
