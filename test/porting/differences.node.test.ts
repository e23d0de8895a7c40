// "Different on purpose" of docs/porting.md: both results, so that the page stays true when either side changes.
import { AIMessage, AIMessageChunk, SystemMessage } from '@langchain/core/messages'
import * as langchain from '@langchain/core/output_parsers'
import {
  MessagesPlaceholder as LangChainMessagesPlaceholder,
  ChatPromptTemplate as LangChainPrompts,
  PromptTemplate as LangChainPromptTemplate,
} from '@langchain/core/prompts'
import { RunnableLambda, RunnableMap, RunnablePassthrough } from '@langchain/core/runnables'
import {
  ChatPromptTemplate,
  CommaSeparatedListOutputParser,
  JsonOutputParser,
  lambda,
  MarkdownListOutputParser,
  MessagesPlaceholder,
  messageFold,
  NumberedListOutputParser,
  PartialJson,
  PromptTemplate,
  parallel,
  passthrough,
  StringOutputParser,
  systemMessage,
} from 'chaintap'
import { describe, expect, test } from 'vitest'
import { readAll, turn } from '../support/sources.ts'

const code = (name: string) => expect.objectContaining({ code: name })

describe('prompts', () => {
  test('an array as a value: JSON in LangChain, invalid_input in chaintap', async () => {
    expect(await LangChainPromptTemplate.fromTemplate('{x}').format({ x: ['a', 'b'] })).toBe('["a","b"]')
    await expect(PromptTemplate.fromTemplate('{x}').format({ x: ['a', 'b'] } as never)).rejects.toEqual(code('invalid_input'))
  })

  test('the value of an only variable itself: an error in LangChain, accepted in chaintap', async () => {
    await expect(LangChainPromptTemplate.fromTemplate('{x}').invoke('hi' as never)).rejects.toThrow('Missing value')
    expect(await PromptTemplate.fromTemplate('{x}').invoke('hi')).toBe('hi')
  })

  test('a message object: not a template in LangChain, a template in chaintap', async () => {
    const theirs = await LangChainPrompts.fromMessages([new SystemMessage('{x}')]).formatMessages({ x: 'y' })
    expect(theirs.map(({ content }) => content)).toEqual(['{x}'])
    const ours = await ChatPromptTemplate.fromMessages([systemMessage('{x}'), '{x}']).format({ x: 'y' })
    expect(ours.map(({ content }) => content)).toEqual(['y', 'y'])
  })

  test('JSON in single braces: a variable in LangChain, invalid_template in chaintap', () => {
    expect(LangChainPromptTemplate.fromTemplate('{"a": 1}').inputVariables).toEqual(['"a": 1'])
    expect(() => new PromptTemplate('{"a": 1}')).toThrow(code('invalid_template'))
  })

  test('inputVariables: LangChain lists optional placeholders, chaintap does not', () => {
    expect(LangChainPrompts.fromMessages([['placeholder', '{h}'], '{q}']).inputVariables).toEqual(['h', 'q'])
    expect(ChatPromptTemplate.fromMessages([['placeholder', '{h}'], '{q}']).inputVariables).toEqual(['q'])
  })

  test('an input with a filled variable: overrides it in LangChain, invalid_input in chaintap', async () => {
    const theirs = await LangChainPromptTemplate.fromTemplate('{a}{b}').partial({ a: '1' })
    expect(await theirs.format({ a: '3', b: '2' })).toBe('32')
    const ours = PromptTemplate.fromTemplate('{a}{b}').partial({ a: '1' })
    await expect(ours.format({ a: '3', b: '2' } as never)).rejects.toEqual(code('invalid_input'))
  })

  test('a variable that two nested prompts fill in: the last one in LangChain for both, invalid_template in chaintap', async () => {
    const theirs = LangChainPrompts.fromMessages(['{x}'])
    const all = LangChainPrompts.fromMessages([await theirs.partial({ x: '1' }), await theirs.partial({ x: '2' }), '{x}'])
    expect((await all.formatMessages({})).map(({ content }) => content)).toEqual(['2', '2', '2'])
    const ours = ChatPromptTemplate.fromMessages(['{x}'])
    const one = ours.partial({ x: '1' })
    expect((await ChatPromptTemplate.fromMessages([one, '{x}']).format({})).map(({ content }) => content)).toEqual(['1', '1'])
    expect(() => ChatPromptTemplate.fromMessages([one, ours.partial({ x: '2' })])).toThrow(code('invalid_template'))
  })

  test('a string for a placeholder: a message in LangChain, invalid_input in chaintap', async () => {
    const theirs = LangChainPrompts.fromMessages([new LangChainMessagesPlaceholder('h')])
    expect((await theirs.formatMessages({ h: 'hi' })).map(({ content }) => content)).toEqual(['hi'])
    const ours = ChatPromptTemplate.fromMessages([new MessagesPlaceholder('h')])
    await expect(ours.format({ h: 'hi' } as never)).rejects.toEqual(code('invalid_input'))
  })
})

describe('parsers', () => {
  test('an incomplete number: shown in LangChain, not in chaintap', () => {
    expect(langchain.parsePartialJson('{"n": 12')).toEqual({ n: 12 })
    const json = new PartialJson()
    json.add('{"n": 12')
    expect(json.result()).toEqual({})
  })

  test('text around JSON: an error in LangChain, ignored in chaintap', async () => {
    const answer = 'Sure! {"a": 1} Anything else?'
    await expect(new langchain.JsonOutputParser().invoke(answer)).rejects.toThrow('not valid JSON')
    expect(await new JsonOutputParser().invoke(answer)).toEqual({ a: 1 })
  })

  test('a stream of cut JSON: ends normally in LangChain, output_parser in chaintap', async () => {
    const theirs = RunnableLambda.from(() => '{"a": "cut').pipe(new langchain.JsonOutputParser())
    const chunks: unknown[] = []
    for await (const chunk of await theirs.stream('')) chunks.push(chunk)
    expect(chunks).toEqual([{ a: 'cut' }])
    const ours = await readAll(
      lambda(() => '{"a": "cut')
        .pipe(new JsonOutputParser())
        .stream(''),
    )
    expect(ours).toEqual({ chunks: [{ a: 'cut' }], error: code('output_parser') })
  })

  test.each([
    ['a, "b, c",', ['a', '"b', 'c"', ''], ['a', 'b, c']],
    ['a\nb', ['a\nb'], ['a', 'b']],
    ['', [''], []],
  ])('the comma-separated list %j: %j in LangChain, %j in chaintap', async (text, theirs, ours) => {
    expect(await new langchain.CommaSeparatedListOutputParser().invoke(text)).toEqual(theirs)
    expect(await new CommaSeparatedListOutputParser().invoke(text)).toEqual(ours)
  })

  test('lists with + and 1): ignored in LangChain, items in chaintap', async () => {
    expect(await new langchain.MarkdownListOutputParser().invoke('- a\n+ b')).toEqual(['a'])
    expect(await new MarkdownListOutputParser().invoke('- a\n+ b')).toEqual(['a', 'b'])
    expect(await new langchain.NumberedListOutputParser().invoke('1) a')).toEqual([])
    expect(await new NumberedListOutputParser().invoke('1) a')).toEqual(['a'])
  })

  test('an image through StringOutputParser: an error in LangChain, dropped in chaintap', async () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.com/bear.jpg' } }
    const message = new AIMessage({ content: [{ type: 'text', text: 'A bear' }, image] })
    await expect(new langchain.StringOutputParser().invoke(message)).rejects.toThrow('multimodal')
    const content = [
      { type: 'text', text: 'A bear' },
      { type: 'image', url: 'https://example.com/bear.jpg' },
    ] as const
    expect(await new StringOutputParser().invoke({ role: 'assistant', content })).toBe('A bear')
  })
})

describe('messages', () => {
  test('usage of several chunks: added in LangChain, the last figure of each field in chaintap', () => {
    const chunk = (input_tokens: number, output_tokens: number) => {
      const usage_metadata = { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens }
      return new AIMessageChunk({ content: '', usage_metadata } as never)
    }
    expect(chunk(25, 1).concat(chunk(0, 20)).usage_metadata).toMatchObject({ output_tokens: 21 })
    const fold = messageFold()
    fold.add({ type: 'usage', usage: { inputTokens: 25, outputTokens: 1 } })
    fold.add({ type: 'usage', usage: { outputTokens: 20 } })
    expect(fold.result().usage).toEqual({ inputTokens: 25, outputTokens: 20 })
  })

  test('cut arguments of a tool call: completed in LangChain, raw text in chaintap', () => {
    const theirs = new AIMessageChunk({ content: '', tool_call_chunks: [{ name: 'f', args: '{"a": ', id: '1', index: 0 }] })
    expect(theirs.tool_calls).toMatchObject([{ name: 'f', args: {} }])
    const fold = messageFold()
    fold.add({ type: 'tool-call', index: 0, id: '1', name: 'f', args: '{"a": ' })
    expect(fold.result().toolCalls).toEqual([{ id: '1', name: 'f', args: '{"a": ', isInvalid: true }])
  })
})

describe('runs', () => {
  test('chunks that are objects: merged in LangChain, an array in chaintap', async () => {
    const objects = function* () {
      yield { a: 'x' }
      yield { a: 'y' }
    }
    const theirs: unknown = await RunnableLambda.from(objects as never).invoke('')
    expect(theirs).toEqual({ a: 'xy' })
    expect(await lambda(objects).invoke('')).toEqual([{ a: 'x' }, { a: 'y' }])
  })

  test('{} as a step: an empty map in LangChain, invalid_options at construction in chaintap', async () => {
    expect(
      await RunnableLambda.from((x: string) => x)
        .pipe({})
        .invoke('x'),
    ).toEqual({})
    expect(() => RunnableLambda.from((x: string) => x).pipe(undefined as never)).toThrow('Expected a Runnable, function or object')
    expect(() => lambda((x: string) => x).pipe({})).toThrow(code('invalid_options'))
  })

  test('a map before a prompt gives the same text in both', async () => {
    const theirs = RunnableLambda.from((q: string) => q).pipe({ q: new RunnablePassthrough(), extra: () => 'ignored' })
    expect((await theirs.pipe(LangChainPromptTemplate.fromTemplate('{q}')).invoke('hi')).value).toBe('hi')
    const ours = lambda((q: string) => q).pipe({ q: passthrough(), extra: () => 'ignored' })
    expect(await ours.pipe(PromptTemplate.fromTemplate('{q}')).invoke('hi')).toBe('hi')
  })

  test('maxConcurrency: ignored by RunnableMap, respected by parallel()', async () => {
    let [running, most] = [0, 0]
    const step = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await turn(5)
      running--
    }
    await RunnableMap.from({ a: step, b: step, c: step }).invoke('', { maxConcurrency: 1 })
    expect(most).toBe(3)
    most = 0
    await parallel({ a: step, b: step, c: step }).invoke('', { maxConcurrency: 1 })
    expect(most).toBe(1)
  })

  test('leaving a stream: no event in LangChain, an error event in chaintap', async () => {
    const events: string[] = []
    const theirs = {
      handleChainStart: () => void events.push('start'),
      handleChainEnd: () => void events.push('end'),
      handleChainError: () => void events.push('error'),
    }
    const ours = {
      onChainStart: theirs.handleChainStart,
      onChainEnd: theirs.handleChainEnd,
      onChainError: theirs.handleChainError,
    }
    const letters = function* () {
      yield 'a'
      yield 'b'
    }
    for await (const _ of await RunnableLambda.from(letters as never).stream('', { callbacks: [theirs] })) break
    await turn(30)
    expect(events).toEqual(['start'])
    for await (const _ of lambda(letters).stream('', { callbacks: [ours] })) break
    expect(events).toEqual(['start', 'start', 'error'])
  })
})

describe('callbacks', () => {
  test('a handler attached twice: called twice in LangChain, once in chaintap', async () => {
    let calls = 0
    const theirs = { handleChainStart: () => void calls++ }
    await RunnableLambda.from((n: number) => n)
      .withConfig({ callbacks: [theirs] })
      .invoke(1, { callbacks: [theirs] })
    await turn(30)
    expect(calls).toBe(2)
    const ours = { onChainStart: () => void calls++ }
    await lambda((n: number) => n)
      .withConfig({ callbacks: [ours] })
      .invoke(1, { callbacks: [ours] })
    expect(calls).toBe(3)
  })

  test('a handler that modifies the input: the function receives it in LangChain, the original in chaintap', async () => {
    const handleChainStart = (_: unknown, input: Record<string, unknown>): void => {
      input.a = 2
    }
    const theirs = RunnableLambda.from(({ a }: { a: number }) => a)
    expect(await theirs.invoke({ a: 1 }, { callbacks: [{ handleChainStart, awaitHandlers: true }] })).toBe(2)
    const onChainStart = (input: unknown): void => {
      Object.assign(input as object, { a: 2 })
    }
    expect(await lambda(({ a }: { a: number }) => a).invoke({ a: 1 }, { callbacks: [{ onChainStart }] })).toBe(1)
  })
})
