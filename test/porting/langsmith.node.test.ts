// LangSmith's tracer sends the same runs for a chain of chaintap as for the same chain of LangChain.js.
import { ChatAnthropic as LangChainAnthropic } from '@langchain/anthropic'
import { StringOutputParser as LangChainParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate as LangChainPrompt } from '@langchain/core/prompts'
import { LangChainTracer } from '@langchain/core/tracers/tracer_langchain'
import { ChatPromptTemplate, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicSse, faultyFetch } from 'chaintap/testing'
import { Client } from 'langsmith'
import { expect, test } from 'vitest'

interface SentRun {
  readonly id: string
  readonly name: string
  readonly run_type: string
  readonly parent_run_id?: string
  readonly inputs?: object
  readonly outputs?: object
  readonly error?: string
}

/** A tracer, and the runs that it sent. */
function tracer() {
  const runs = new Map<string, SentRun>()
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = String(input instanceof Request ? input.url : input)
    if (init?.method === 'POST' || init?.method === 'PATCH') {
      const {
        post = [],
        patch = [],
        ...single
      } = JSON.parse(await new Response(init.body).text()) as { post?: SentRun[]; patch?: SentRun[] } & SentRun
      const id = url.split('/runs/')[1]
      for (const run of [...post, ...patch, ...(single.name || id ? [{ ...single, id: single.id ?? id }] : [])])
        runs.set(run.id, { ...runs.get(run.id), ...run })
    }
    return Response.json({})
  }
  const client = new Client({
    apiUrl: 'https://langsmith.example',
    apiKey: 'a-key',
    autoBatchTracing: false,
    fetchImplementation: fetch,
  })
  return { handler: new LangChainTracer({ client, projectName: 'tests' }), client, runs }
}

const answer = { id: 'msg_1', model: 'claude-1', text: ['Why ', 'not?'], usage: { inputTokens: 9, outputTokens: 4 } }
const options = { apiKey: 'a-key', model: 'claude-1' }
const body = anthropicSse(answer)

const summary = (runs: ReadonlyMap<string, SentRun>): readonly unknown[] =>
  [...runs.values()]
    .map(({ name, run_type, parent_run_id, error, outputs }) => [
      name.replace('StrOutputParser', 'StringOutputParser'),
      run_type,
      parent_run_id && runs.get(parent_run_id)?.name,
      error,
      JSON.stringify(outputs).includes('Why not?') || run_type,
    ])
    .map((run) => JSON.stringify(run))
    .sort()

test('LangSmith receives the same tree of runs', async () => {
  const [theirs, ours] = [tracer(), tracer()]
  const model = new LangChainAnthropic({ ...options, clientOptions: { fetch: faultyFetch({ body }) } })
  const their = LangChainPrompt.fromTemplate('A joke about {animal}').pipe(model).pipe(new LangChainParser())
  for await (const _ of await their.stream({ animal: 'bears' }, { callbacks: [theirs.handler] }));
  await theirs.client.awaitPendingTraceBatches()

  const chain = ChatPromptTemplate.fromTemplate('A joke about {animal}')
    .pipe(new ChatAnthropic({ ...options, fetch: faultyFetch({ body }) }))
    .pipe(new StringOutputParser())
  const run = chain.stream({ animal: 'bears' }, { callbacks: [ours.handler] })
  await run.drain()
  await run.flushed
  expect(ours.runs.size).toBe(4)
  expect(summary(ours.runs)).toEqual(summary(theirs.runs))
})
