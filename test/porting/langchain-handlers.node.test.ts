// Handlers made with the classes of LangChain.
import { BaseCallbackHandler } from '@langchain/core/callbacks/base'
import { CallbackManager } from '@langchain/core/callbacks/manager'
import { ConsoleCallbackHandler } from '@langchain/core/tracers/console'
import { RunCollectorCallbackHandler } from '@langchain/core/tracers/run_collector'
import { type Handler, lambda } from 'chaintap'
import { expect, test, vi } from 'vitest'

class Mine extends BaseCallbackHandler {
  name = 'mine'
  readonly inputs: unknown[] = []
  override handleChainStart(_chain: unknown, inputs: unknown): void {
    this.inputs.push(inputs)
  }
}

const chain = lambda((x: string) => x)

test('a subclass of BaseCallbackHandler receives the events', async () => {
  const mine = new Mine()
  const run = chain.stream('x', { callbacks: [mine] })
  await run.drain()
  await run.flushed
  expect(mine.inputs).toEqual([{ input: 'x' }])
})

test('LangChain’s console tracer prints the run', async () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {})
  const run = chain.stream('x', { callbacks: [new ConsoleCallbackHandler()], runName: 'Echo' })
  await run.drain()
  await run.flushed
  const printed = print.mock.calls.flat().join('\n')
  print.mockRestore()
  expect(printed).toContain('[chain/start]')
  expect(printed).toMatch(/Exiting Chain run with output: \{\s+"output": "x"\s+\}/)
})

test('LangChain’s run collector has the run', async () => {
  const collector = new RunCollectorCallbackHandler()
  const run = chain.stream('x', { callbacks: [collector] })
  await run.drain()
  await run.flushed
  expect(collector.tracedRuns).toMatchObject([{ run_type: 'chain', inputs: { input: 'x' }, outputs: { output: 'x' } }])
})

test.each([
  ['instead of an array', (manager: CallbackManager) => manager, 'expected an array of handlers'],
  ['in the array', (manager: CallbackManager) => [manager], 'Pass its handlers: callbacks: manager.handlers.'],
] as const)('callbacks refuse a CallbackManager %s', (_, put, message) => {
  const manager = CallbackManager.fromHandlers({ handleText() {} })
  expect(() => chain.stream('x', { callbacks: put(manager) as unknown as readonly Handler[] })).toThrow(message)
})
