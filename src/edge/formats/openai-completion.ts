import { Disconnect } from '../../core/errors.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { listenForAbort } from '../../core/util/signal.ts'
import { mergeHeaders } from '../response/format.ts'
import { MessageMask } from '../response/message-mask.ts'
import { httpStatusForError, isSafeToExpose, logFailure } from '../response/public-error.ts'
import type { ResponseOptions } from '../response/to-response.ts'
import { OpenAICompletionState, toCompletionUsage, toOpenAIError } from './openai.ts'

/** Responds with a run as one `chat.completion`, as OpenAI does without `stream: true`. The status of a failure is 500 or above. */
export async function openaiCompletion(
  run: RunStream<unknown, unknown>,
  { request, ctx, exposeErrors, openai = {}, headers }: ResponseOptions,
): Promise<Response> {
  const unfollow = request ? listenForAbort(request.signal, () => run.stop(new Disconnect())) : () => {}
  ctx?.waitUntil(run.flushed)
  const mask = new MessageMask(exposeErrors)
  const state = new OpenAICompletionState(openai.model)
  const message = new OpenAIMessageBuilder()
  const ended = run.outcome
  try {
    for (let batch = await run.nextBatch(); batch; batch = await run.nextBatch()) message.add(state.read(mask.apply(batch)))
  } catch (error) {
    if (!exposeErrors && !isSafeToExpose(error)) logFailure(error)
  }
  unfollow()
  const outcome = await ended
  const respond = (body: object, status: number): Response =>
    new Response(plainJson(body), { status, headers: mergeHeaders({ 'content-type': 'application/json' }, headers) })
  if ('error' in outcome && state.hasFailed(outcome)) return respond(toOpenAIError(outcome, mask.expose), httpStatusForError(outcome.error))
  const { id, created, model } = state
  const choice = { index: 0, message: message.build(), logprobs: null, finish_reason: state.finishReason(outcome) }
  const usage = outcome.usage && { usage: toCompletionUsage(outcome.usage) }
  return respond({ id: id || `chatcmpl-${created}`, object: 'chat.completion', created, model, choices: [choice], ...usage }, 200)
}

/** Joins the deltas of a message. */
class OpenAIMessageBuilder {
  #content = ''
  #reasoning = ''
  readonly #calls = new Map<number, { id: string; type: 'function'; function: { name: string; arguments: string } }>()

  add({ content = '', reasoning_content = '', tool_calls = [] }: ReturnType<OpenAICompletionState['read']>): void {
    this.#content += content
    this.#reasoning += reasoning_content
    for (const { index, id, function: called } of tool_calls) {
      const call = this.#calls.get(index) ?? { id: '', type: 'function', function: { name: '', arguments: '' } }
      this.#calls.set(index, call)
      call.id = id ?? call.id
      call.function.name = called.name ?? call.function.name
      call.function.arguments += called.arguments
    }
  }

  build(): object {
    const hasCalls = this.#calls.size > 0
    return {
      role: 'assistant',
      content: hasCalls && this.#content === '' ? null : this.#content,
      refusal: null,
      ...(this.#reasoning !== '' && { reasoning_content: this.#reasoning }),
      ...(hasCalls && { tool_calls: [...this.#calls.values()] }),
    }
  }
}
