import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isDoneMark, openaiFinishReason, readOpenAIContent } from '../../../src/tokens/answer/openai-content.ts'

const reasoning = (text: string) => ({ type: 'reasoning', text })
const text = (text: string) => ({ type: 'text', text })
const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }

describe('readOpenAIContent()', () => {
  test.each([
    ['a text', { content: 'Hi' }, [text('Hi')]],
    ['Mistral’s list of parts', { content: [thinking, { type: 'text', text: 'Hi' }] }, [reasoning('Hm'), text('Hi')]],
    [
      'Databricks’ reasoning with a summary',
      {
        content: [
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm', signature: '' }] },
          { type: 'text', text: 'Hi' },
        ],
      },
      [reasoning('Hm'), text('Hi')],
    ],
    ['the parts in their order', { content: [text('a'), thinking, text('b')] }, [text('a'), reasoning('Hm'), text('b')]],
    ['texts in a list, and a part that is not in a list', { content: ['a', null, [text('b')]] }, [text('a'), text('b')]],
    ['one part', { content: { type: 'output_text', text: 'Hi' } }, [text('Hi')]],
    ['a refusal, as field and as part', { content: [{ type: 'refusal', refusal: 'No' }], refusal: '.' }, [text('No'), text('.')]],
    ['the transcript of an answer in sound', { content: null, audio: { id: '1', data: 'AA==', transcript: 'Hi' } }, [text('Hi')]],
    ['the text rather than its transcript', { content: 'Hi', audio: { transcript: 'Hi' } }, [text('Hi')]],
    ['reasoning as a text', { reasoning_content: 'Hm', reasoning: 'Hm' }, [reasoning('Hm')]],
    ['reasoning as an object', { reasoning: { content: 'Hm', encrypted: 'x' } }, [reasoning('Hm')]],
    ['reasoning as a list', { reasoning: [{ text: 'H' }, { summary: 'm' }, {}] }, [reasoning('Hm')]],
    ['reasoning with an empty field before it', { reasoning_content: '', reasoning: null, reasoning_text: 'Hm' }, [reasoning('Hm')]],
    ['LiteLLM’s blocks', { thinking_blocks: [{ type: 'thinking', thinking: 'Hm', signature: 's' }] }, [reasoning('Hm')]],
    [
      'reasoning once, if it is also in the content',
      { reasoning_content: 'Hm', content: [thinking, text('Hi')] },
      [reasoning('Hm'), text('Hi')],
    ],
    [
      'a part without a text',
      { content: [{ type: 'reference', reference_ids: [1] }] },
      [{ type: 'part', part: { type: 'reference', reference_ids: [1] } }],
    ],
    [
      'OpenRouter’s images',
      { content: '', images: [{ type: 'image_url', image_url: { url: 'data:,' } }] },
      [{ type: 'part', part: expect.anything() }],
    ],
    ['null everywhere', { content: null, refusal: null, audio: null, images: null, reasoning: null, reasoning_details: null }, []],
    ['nothing', {}, []],
  ])('reads %s', (_, message, pieces) => {
    expect(readOpenAIContent(message)).toEqual(pieces)
  })

  test('reads any JSON without an error, and emits no empty text', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const message = fc.record(
      { content: value, refusal: value, audio: value, images: value, reasoning: value, reasoning_content: value, reasoning_details: value },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(message, (message) => {
        for (const piece of readOpenAIContent(message as object)) if (piece.type !== 'part') expect(piece.text).not.toBe('')
      }),
    )
  })

  test('the text of a message is the same as a text and as any list of parts', () => {
    const part = (piece: string) =>
      fc.constantFrom<unknown>(piece, text(piece), { text: piece }, [text(piece)], { type: 'output_text', text: piece })
    const parts = fc
      .array(fc.string({ minLength: 1 }))
      .chain((texts) => fc.tuple(fc.constant(texts.join('')), fc.tuple(...texts.map(part))))
    fc.assert(
      fc.property(parts, ([whole, content]) => {
        const pieces = readOpenAIContent({ content })
        expect(pieces.map((piece) => (piece.type === 'text' ? piece.text : 0)).join('')).toBe(whole)
      }),
    )
  })
})

describe('openaiFinishReason()', () => {
  test.each([
    ['stop', 'stop'],
    ['eos', 'eos'],
    [{ type: 'length', length: 5 }, 'length'],
    ['', undefined],
    ['null', undefined],
    ['None', undefined],
    [null, undefined],
    [undefined, undefined],
    [7, undefined],
  ])('%o is %o', (finish_reason, reason) => {
    expect(openaiFinishReason({ finish_reason })).toBe(reason)
  })
})

test('isDoneMark() ignores blanks around the mark', () => {
  expect(['[DONE]', '[DONE] ', ' [DONE]\r', 'DONE', '["DONE"]', '[DONE] x'].map(isDoneMark)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})
