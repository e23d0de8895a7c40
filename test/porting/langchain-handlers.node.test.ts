// Handlers made with the classes of LangChain.
import { BaseCallbackHandler } from '@langchain/core/callbacks/base'
import { CallbackManager } from '@langchain/core/callbacks/manager'
import { ConsoleCallbackHandler } from '@langchain/core/tracers/console'
import { LogStreamCallbackHandler } from '@langchain/core/tracers/log_stream'
import { RunCollectorCallbackHandler } from '@langchain/core/tracers/run_collector'
import { type Handler, lambda } from 'chaintap'
import { expect, test } from 'vitest'

class Mine extends BaseCallbackHandler {
  name = 'mine'
  override handleChainStart(): void {}
}

test.each([
  ['a subclass of BaseCallbackHandler', new Mine()],
  ['BaseCallbackHandler.fromMethods', BaseCallbackHandler.fromMethods({ handleText() {} })],
  ['BaseCallbackHandler without methods', BaseCallbackHandler.fromMethods({})],
  ['ConsoleCallbackHandler', new ConsoleCallbackHandler()],
  ['RunCollectorCallbackHandler', new RunCollectorCallbackHandler()],
  ['LogStreamCallbackHandler', new LogStreamCallbackHandler()],
  ['a CallbackManager in the array', CallbackManager.fromHandlers({ handleText() {} })],
])('callbacks refuse %s', (_, handler) => {
  const chain = lambda((x: string) => x)
  expect(() => chain.stream('x', { callbacks: [handler as unknown as Handler] })).toThrow(
    'Pass fromLangChain(handler) of chaintap/langchain.',
  )
})

test('callbacks refuse a CallbackManager instead of an array', () => {
  const manager = CallbackManager.fromHandlers({ handleText() {} })
  expect(() => lambda((x: string) => x).stream('x', { callbacks: manager as never })).toThrow('expected an array of handlers')
})
