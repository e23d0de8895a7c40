import { fallback } from 'chaintap'
import { BrowserAI } from 'chaintap/browser-ai'
import { scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { expect, test } from 'vitest'
import { type LanguageModelFactory, pageLanguageModel } from '../../../src/models/browser-ai/api.ts'
import { toCreateCoreOptions } from '../../../src/models/browser-ai/request.ts'
import { fakeLanguageModel } from '../../support/language-model.ts'

// The browser's own interface, if it has one. Headless Chromium has the interface, but no model.
const own = pageLanguageModel() as (LanguageModelFactory & { readonly prototype: object }) | undefined

test('fakeLanguageModel() has only methods of the browser’s own interface, if there is one', async () => {
  const faked = Object.getOwnPropertyNames(await fakeLanguageModel().create())
  expect(faked).toContain('measureContextUsage')
  if (own) expect(Object.getOwnPropertyNames(own.prototype)).toEqual(expect.arrayContaining(faked))
})

test('the browser’s own availability(), if there is one, accepts every option', async () => {
  const now = tool(() => '12:00', { name: 'now', description: 'The time.' })
  const all = toCreateCoreOptions(
    {
      samplingMode: 'creative',
      expectedInputs: [{ type: 'text', languages: ['en'] }],
      expectedOutputs: [{ type: 'text', languages: ['en'] }],
      tools: [now],
    },
    true,
  )
  for (const options of [toCreateCoreOptions({}, false), all]) {
    const answer = await own?.availability(options)
    expect([undefined, 'available', 'downloading', 'downloadable', 'unavailable']).toContain(answer)
  }
})

test('the fallback answers without a model or without the interface', async () => {
  const availability = await BrowserAI.availability()
  const model = fallback(new BrowserAI(), scriptedModel(['Remote']))
  if (availability !== 'available') expect(await model.invoke('Hi')).toMatchObject({ content: 'Remote' })
})
