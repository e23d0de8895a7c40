import { ChatPromptTemplate, StringOutputParser } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { toResponse } from 'chaintap/edge'
import { RemoteRunnable } from 'chaintap/remote'
import { type FaultyAnswer, faultyFetch, scriptedModel } from 'chaintap/testing'
import { calculator } from 'chaintap/tools'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mutate, mutations } from '../support/fuzz/mutations.ts'
import { ends, expectSameCut, expectTyped, LIMIT_MS, readResponse, runsOr } from '../support/fuzz/read.ts'

const chain = ChatPromptTemplate.fromMessages([['human', '{question}']])
  .pipe(scriptedModel([['Hel', 'lo', ' 🌍']]))
  .pipe(new StringOutputParser())
const agent = initializeAgent(
  [calculator],
  scriptedModel([[{ type: 'tool-call', index: 0, id: 'c', name: 'calculator', args: '{"input":"17 + 4"}' }], ['It is ', '21.']]),
  { agentType: 'tool-calling' },
)
const failing = scriptedModel([{ tokens: ['Hel'], error: new Error('lost') }]).pipe(new StringOutputParser())

const sent = async (response: Response): Promise<string> => response.text()
const streams = (): Promise<readonly string[]> =>
  Promise.all([
    sent(toResponse(chain.events({ question: 'Hi' }), { format: 'events' })),
    sent(toResponse(agent.events('What is 17 + 4?'), { format: 'events' })),
    sent(toResponse(failing.events('Hi'), { format: 'events', exposeErrors: true })),
  ])

const remote = (answer: FaultyAnswer): RemoteRunnable<string, unknown> =>
  new RemoteRunnable<string, unknown>('https://app.example/chat', { fetch: faultyFetch(answer) })
const headers = { 'content-type': 'text/event-stream' }

/** A server may send any value as an error; one of the engine's own classes would come from a fault here. */
const isSent = (error: unknown): boolean => ![TypeError, RangeError, SyntaxError, ReferenceError].some((fault) => error instanceof fault)

test(
  'RemoteRunnable reads damaged events to an end: an output, or a ChaintapError with all runs closed, however they are cut',
  async () => {
    const bases = await streams()
    await fc.assert(
      fc.asyncProperty(fc.nat(), mutations, fc.integer({ min: 1, max: 40 }), async (base, list, cut) => {
        const body = mutate(bases[base % bases.length] ?? '', list)
        const { status } = await expectSameCut((faulty) => readResponse(remote({ headers, ...faulty }), body, isSent), body, cut)
        if (status === 'complete') expect(body).toMatch(/complete|"type":"end"/)
      }),
      runsOr(300),
    )
  },
  LIMIT_MS,
)

test(
  'RemoteRunnable reads damaged refusals, and answers that are no events, to a ChaintapError or an output',
  async () => {
    const bodies = ['{"error":{"code":"limited","message":"m"}}', '{"output":"a"}', '<p>Bad gateway</p>', 'Hello']
    const types = fc.constantFrom('application/json', 'text/html', 'text/plain', 'text/event-stream', '')
    await fc.assert(
      fc.asyncProperty(fc.nat(), mutations, fc.constantFrom(200, 204, 400, 401, 429, 503), types, async (base, list, status, type) => {
        const body = status === 204 ? '' : mutate(bodies[base % bodies.length] ?? '', list)
        const call = remote({ status, body, headers: { 'content-type': type } }).invoke('Hi', { signal: AbortSignal.timeout(60_000) })
        expectTyped(
          await ends(
            call.then(
              () => undefined,
              (error: unknown) => error,
            ),
            body,
          ),
          body,
        )
      }),
      runsOr(150),
    )
  },
  LIMIT_MS,
)
