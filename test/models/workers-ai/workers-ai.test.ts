import { ChatPromptTemplate, StringOutputParser } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { type FaultyAnswer, type FaultyScript, faultyFetch, recorder } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { WorkersAI, type WorkersAIBinding, type WorkersAIOptions } from 'chaintap/workers-ai'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { type ModelBehavior, modelContract } from '../../contracts/model.ts'
import { readAll, turn } from '../../support/sources.ts'
import { bindingOver, oldBindingOver, workersAIJson, workersAISse } from '../../support/workers-ai.ts'

const hello = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }
const streamed: FaultyAnswer = { body: workersAISse(hello) }
const whole: FaultyAnswer = { body: JSON.stringify(workersAIJson(hello)) }
const json = { 'content-type': 'application/json' }

const serving = (script: FaultyScript, options: Partial<WorkersAIOptions> = {}, over = bindingOver) => {
  const fetch = faultyFetch(script)
  return { fetch, model: new WorkersAI({ binding: over(fetch), ...options }) }
}

/** The bytes of a model’s behavior. */
function bytesOf({ chunks, error, stallAfter, stallBefore, until, deaf, isUncounted }: ModelBehavior, isStream: boolean): FaultyAnswer {
  if (error && chunks.length === 0) return { errorBefore: error }
  const answer = { text: chunks, ...(!isUncounted && { usage: hello.usage }) }
  const events = workersAISse(answer)
  const lengthOf = (count: number) => events.slice(0, count).join('').length
  return {
    body: isStream ? events : JSON.stringify(workersAIJson(answer)),
    ...(isStream && { split: 'events' }),
    ...(error && { dropAfter: lengthOf(chunks.length) }),
    ...(stallAfter && { stallAfter: isStream ? lengthOf(stallAfter) : stallAfter }),
    ...(stallBefore && { stallBeforeHeaders: true }),
    ...(deaf && { deaf }),
    until,
  }
}

modelContract('WorkersAI', {
  serve(script, options) {
    const scriptOf = typeof script === 'function' ? script : () => script
    const { fetch, model } = serving(
      ({ body }, index) => bytesOf(scriptOf(index), (body as { inputs: { stream: boolean } }).inputs.stream),
      { maxRetries: 0, ...options },
    )
    return { model, calls: () => fetch.calls.length, open: () => fetch.open }
  },
  usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
})

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'no failure').catch((error: unknown) => error)

/** The request that the binding sent. */
const sent = async (options: Partial<WorkersAIOptions>, input: Parameters<WorkersAI['invoke']>[0] = 'Hi') => {
  const { fetch, model } = serving(whole, options)
  await model.invoke(input)
  const [call] = fetch.calls
  return { model: new URL(call?.url ?? '').searchParams.get('model'), ...(call?.body as { inputs: object; options: object }) }
}

describe('new WorkersAI()', () => {
  test('accepts the binding of Cloudflare’s types', () => {
    expectTypeOf<Ai>().toExtend<WorkersAIBinding>()
  })

  test('throws invalid_options without a binding, with the lines to add', () => {
    for (const binding of [undefined, {}, 'AI']) {
      expect(() => new WorkersAI({ binding: binding as unknown as WorkersAIBinding })).toThrow(
        expect.objectContaining({ code: 'invalid_options', message: expect.stringMatching(/\[ai\].*wrangler\.toml.*binding: env\.AI/) }),
      )
    }
  })

  test('throws invalid_options for an invalid maxRetries', () => {
    expect(() => serving(whole, { maxRetries: -1 })).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  })

  test('shows its call options, but not the binding', () => {
    const { model } = serving(whole, { model: '@cf/a/b', temperature: 0, gateway: { id: 'mine' } })
    expect(JSON.parse(JSON.stringify(model.options))).toEqual({ model: '@cf/a/b', temperature: 0 })
    expect(JSON.stringify(model)).not.toContain('mine')
  })
})

describe('requests of WorkersAI', () => {
  test('contain only the messages by default', async () => {
    expect(await sent({})).toEqual({
      model: '@cf/zai-org/glm-4.7-flash',
      inputs: { messages: [{ role: 'user', content: 'Hi' }], stream: false },
      options: {},
    })
  })

  test('contain every option in the model’s format, bound options and modelKwargs', async () => {
    const options = { model: '@cf/a/b', maxTokens: 9, temperature: 0, topP: 0.5, topK: 3, stop: ['\n'], seed: 7, reasoningEffort: 'low' }
    const { fetch, model } = serving(streamed, { ...options, responseFormat: { type: 'json_object' }, streaming: true })
    await model.bind({ maxTokens: 10, modelKwargs: { lora: 'mine', seed: 8 } }).invoke('Hi')
    expect(fetch.calls[0]?.body).toMatchObject({
      inputs: {
        max_tokens: 10,
        temperature: 0,
        top_p: 0.5,
        top_k: 3,
        stop: ['\n'],
        seed: 8,
        reasoning_effort: 'low',
        response_format: { type: 'json_object' },
        lora: 'mine',
        stream: true,
      },
    })
  })

  test('contain tool calls and results in OpenAI’s format', async () => {
    const weather = tool(({ city }: { city: string }) => city, {
      name: 'weather',
      description: 'The weather.',
      jsonSchema: { type: 'object', properties: { city: { type: 'string' } } },
    })
    const { inputs } = await sent({ tools: [weather], toolChoice: 'required' }, [
      ['system', 'Be brief.'],
      'How is Paris?',
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'weather', args: { city: 'Paris' } }] },
      { role: 'tool', content: '18 °C', toolCallId: '1' },
    ])
    expect(inputs).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How is Paris?' },
        { role: 'assistant', tool_calls: [{ id: '1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }] },
        { role: 'tool', content: '18 °C', tool_call_id: '1' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', description: 'The weather.', parameters: { type: 'object' } } }],
      tool_choice: 'required',
    })
  })

  test('pass the gateway and runOptions to the binding', async () => {
    const { options } = await sent({ gateway: { id: 'mine' }, runOptions: { tags: ['a'] } })
    expect(options).toEqual({ gateway: { id: 'mine' }, tags: ['a'] })
  })
})

describe('responses of WorkersAI', () => {
  test('the run reports the requested model, because the format does not name it', async () => {
    const record = recorder()
    await serving(whole, { model: '@cf/a/b' }).model.invoke('Hi', { callbacks: [record] })
    expect(record.events.at(-1)).toMatchObject({ type: 'end', answered: { model: '@cf/a/b' } })
  })

  test('reads a whole response to a request for a stream, for any layout and chunks of its JSON', async () => {
    const answer = { ...workersAIJson(hello), response: 'a\n\ndata: b' }
    for (const body of [JSON.stringify(answer), JSON.stringify(answer, undefined, '\t').replaceAll('\n', '\r\n')]) {
      const { chunks, error } = await readAll(serving({ headers: json, body, split: 'bytes' }).model.stream('Hi'))
      expect(error).toBeUndefined()
      expect(chunks).toContainEqual({ type: 'text', text: 'a\n\ndata: b' })
    }
  })

  test('stop() closes the body of a whole response (P2)', async () => {
    const { fetch, model } = serving({ ...whole, headers: json, stallAfter: 10, deaf: true })
    const run = model.stream('Hi')
    const reading = readAll(run)
    while (fetch.pulls < 2) await turn()
    run.stop()
    await turn()
    expect(fetch.open).toBe(0)
    await reading
  })

  test('an agent handles tool calls without ids', async () => {
    const weather = tool((city: string) => `18 °C in ${city}`, { name: 'weather', description: 'The weather.' })
    const asks = { response: '', tool_calls: [{ name: 'weather', arguments: { input: 'Paris' } }] }
    const { fetch, model } = serving([{ body: JSON.stringify(asks) }, whole])
    const agent = initializeAgent([weather], model, { agentType: 'tool-calling' })
    expect(await agent.run('How is Paris?')).toBe('Hello')
    const { messages } = (fetch.calls.at(-1) as unknown as { body: { inputs: { messages: { tool_calls?: { id: string }[] }[] } } }).body
      .inputs
    const id = messages[1]?.tool_calls?.[0]?.id
    expect(id).toMatch(/^call_\w+$/)
    expect(messages[2]).toEqual({ role: 'tool', content: '18 °C in Paris', tool_call_id: id })
  })
})

describe('errors of WorkersAI', () => {
  const refused = (status: number, code: number, headers: Readonly<Record<string, string>> = {}): FaultyAnswer => ({
    status,
    headers: { ...json, ...headers },
    body: JSON.stringify({ internalCode: code, name: 'AiError', description: `It is ${code}` }),
  })
  const bindings = { 'a binding': bindingOver, 'a binding that throws': oldBindingOver }

  test.each(Object.entries(bindings))('%s without capacity (3040) is retried', async (_, over) => {
    const { fetch, model } = serving([refused(429, 3040, { 'retry-after-ms': '1' }), streamed], {}, over)
    const record = recorder()
    let text = ''
    for await (const part of model.pipe(new StringOutputParser()).stream('Hi', { callbacks: [record] })) text += part
    expect(text).toBe('Hello')
    record.check()
    expect(record.events.find(({ type }) => type === 'retry')).toMatchObject({ error: { code: 'http', status: 429, providerType: '3040' } })
    expect(fetch.calls).toHaveLength(2)
  })

  test.each(Object.entries(bindings))(
    '%s whose neurons are used up (3036) is not retried, and its error holds the time until they reset',
    async (_, over) => {
      // In the last minute of a day the call would be retried.
      const untilMidnight = 86_400_000 - (Date.now() % 86_400_000)
      const { fetch, model } = serving(refused(429, 3036), { maxRetries: untilMidnight > 70_000 ? 2 : 0 }, over)
      const error = await failure(model.invoke('Hi'))
      expect(error).toMatchObject({ name: 'ModelError', status: 429, providerType: '3036', message: expect.stringContaining('It is 3036') })
      const { retryAfterMs = 0 } = error as { retryAfterMs?: number }
      expect(retryAfterMs).toBeGreaterThan(0)
      expect(retryAfterMs).toBeLessThanOrEqual(untilMidnight)
      expect(fetch.calls).toHaveLength(1)
    },
  )

  test.each([
    [5007, 400],
    [5006, 400],
    [3003, 400],
    [3039, 400],
    [5016, 403],
    [5018, 403],
    [3023, 403],
    [3041, 403],
    [3042, 404],
    [5005, 405],
    [5019, 405],
    [3006, 413],
  ])('an error code that a binding throws has its documented status: %i is %i', async (code, status) => {
    const { fetch, model } = serving(refused(status, code), {}, oldBindingOver)
    expect(await failure(model.invoke('Hi'))).toMatchObject({ code: 'http', status, providerType: `${code}` })
    expect(fetch.calls).toHaveLength(1)
  })

  test.each([
    [3007, 408],
    [3008, 408],
    [3043, 500],
  ])('a transient error code that a binding throws is retried: %i is %i', async (code, status) => {
    const { fetch, model } = serving(refused(status, code), { maxRetries: 1 }, oldBindingOver)
    expect(await failure(model.invoke('Hi'))).toMatchObject({ code: 'http', status })
    expect(fetch.calls).toHaveLength(2)
  })

  test('the error has the request id', async () => {
    const { model } = serving(refused(400, 5007, { 'cf-ai-req-id': 'req-1' }))
    expect(await failure(model.invoke('Hi'))).toMatchObject({ requestId: 'req-1', message: expect.stringContaining('req-1') })
  })

  test('another exception of a binding is a network error', async () => {
    const port = { run: () => Promise.reject(new Error('Lost the connection to 127.0.0.1:3000: refused')) }
    expect(await failure(new WorkersAI({ binding: port, maxRetries: 0 }).invoke('Hi'))).toMatchObject({ code: 'network' })
    const binding = { run: () => Promise.reject(new Error('Network connection lost.')) }
    const error = await failure(new WorkersAI({ binding, maxRetries: 0 }).invoke('Hi'))
    expect(error).toMatchObject({ code: 'network', message: expect.stringMatching(/Workers AI.*Network connection lost.*the binding/) })
  })
})

describe('WorkersAI with a binding without raw responses and signals', () => {
  test('returns the same messages, streamed and whole', async () => {
    const { model } = serving(
      ({ body }) => ((body as { inputs: { stream: boolean } }).inputs.stream ? streamed : whole),
      {},
      oldBindingOver,
    )
    const run = model.stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ status: 'complete', output: await model.invoke('Hi') })
  })

  test('a break cancels the stream of the binding (P2)', async () => {
    const { fetch, model } = serving({ ...streamed, split: 'events', stallAfter: 40 }, {}, oldBindingOver)
    for await (const _ of model.stream('Hi')) break
    expect(fetch.open).toBe(0)
    expect(fetch.cancels).toHaveLength(1)
  })

  test('an abort before the response ends the run, and cancels a late stream (P2)', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { fetch, model } = serving({ ...streamed, stallBeforeHeaders: true, until: promise }, {}, oldBindingOver)
    const chain = ChatPromptTemplate.fromTemplate('{question}').pipe(model)
    const abort = new AbortController()
    const reading = readAll(chain.stream({ question: 'Hi' }, { signal: abort.signal }))
    while (fetch.calls.length === 0) await turn()
    abort.abort(new Error('mine'))
    expect(await reading).toMatchObject({ chunks: [], error: { message: 'mine' } })
    resolve()
    await turn()
    expect(fetch.open).toBe(0)
  })
})
