import type { Delta, Usage } from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import { TokenCounter } from 'chaintap/tokens'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** Texts with their number of o200k_base tokens (GPT-4o and later), counted with gpt-tokenizer 4.0. */
const samples: readonly (readonly [name: string, tokens: number, text: string])[] = [
  [
    'English',
    68,
    'The bear had been awake for most of the winter, which is unusual for a bear, and by February it had read every book in the cave twice. When the snow began to melt it went down to the village to ask whether anybody could lend it something new. The librarian, a practical woman, asked it for a proof of address.',
  ],
  [
    'German',
    61,
    'Der Bär war fast den ganzen Winter wach gewesen, was für einen Bären ungewöhnlich ist, und im Februar hatte er jedes Buch in der Höhle zweimal gelesen. Als der Schnee zu schmelzen begann, ging er ins Dorf hinunter und fragte, ob ihm jemand etwas Neues leihen könne.',
  ],
  [
    'French',
    67,
    'L’ours était resté éveillé presque tout l’hiver, ce qui est rare pour un ours, et en février il avait déjà lu deux fois tous les livres de la grotte. Quand la neige a commencé à fondre, il est descendu au village pour demander si quelqu’un pouvait lui prêter quelque chose de nouveau.',
  ],
  [
    'Russian',
    67,
    'Медведь не спал почти всю зиму, что необычно для медведя, и к февралю он дважды прочитал каждую книгу в пещере. Когда снег начал таять, он спустился в деревню и спросил, не может ли кто-нибудь одолжить ему что-нибудь новое.',
  ],
  [
    'Chinese',
    79,
    '这只熊整个冬天几乎都没有睡觉，这对熊来说很不寻常。到了二月，它已经把洞里的每本书都读了两遍。雪开始融化的时候，它下山到村子里，问有没有人能借给它一些新书。图书管理员是个很实际的女人，她要它出示地址证明。',
  ],
  [
    'Japanese',
    86,
    'そのクマは冬のあいだほとんど眠らずに過ごしました。クマにしては珍しいことです。二月には洞穴にある本をすべて二回ずつ読み終えていました。雪が解け始めると、村へ下りて、何か新しい本を貸してくれる人がいないか尋ねました。',
  ],
  [
    'TypeScript',
    84,
    'export function chunk<T>(items: readonly T[], size: number): T[][] {\n  const chunks: T[][] = []\n  for (let i = 0; i < items.length; i += size) {\n    chunks.push(items.slice(i, i + size))\n  }\n  return chunks\n}\n\nconst pages = chunk(await loadBears(), 20)\nconsole.log("pages of bears:", pages.length)\n',
  ],
  [
    'numbers',
    88,
    '2026-11-21 | 1403.25 | 88.10 | 9920\n2026-11-22 | 1377.00 | 91.45 | 10412\n2026-11-23 | 1298.75 | 90.02 | 9874\n2026-11-24 | 1511.50 | 87.66 | 11030\n',
  ],
]

const meta: Delta = { type: 'meta', id: 'a', model: 'm' }

/** The estimated output of an answer whose provider reported no usage. */
async function estimated(text: string | readonly string[], counter: TokenCounter = new TokenCounter()): Promise<number> {
  const before = counter.completionTokens ?? 0
  const pieces = typeof text === 'string' ? [text] : text
  await scriptedModel([[meta, ...pieces]], { streaming: true }).invoke([], { callbacks: [counter] })
  return (counter.completionTokens ?? 0) - before
}

describe('TokenEstimator', () => {
  test.each(samples)('the estimate of %s is near the real count', async (_, tokens, text) => {
    const error = (await estimated(text)) / tokens - 1
    expect(Math.abs(error)).toBeLessThan(0.2)
  })

  test('the estimate does not depend on how the answer is cut into chunks', async () => {
    const piece = fc.constantFrom(...samples.map(([, , text]) => text), 'a', '7', '好', '🐻', ' ', '\n', '{"a":1}')
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 5 }), fc.array(fc.nat(50)), async (pieces, cuts) => {
        const text = pieces.join('')
        const chunks: string[] = []
        let at = 0
        for (const cut of cuts) chunks.push(text.slice(at, (at += cut)))
        chunks.push(text.slice(at))
        expect(Math.abs((await estimated(chunks)) - (await estimated(text)))).toBeLessThanOrEqual(1)
      }),
    )
  })

  test.each([0.5, 1.5, 3])('calibrates to a model from its complete answers: %d times as many tokens', async (factor) => {
    const counter = new TokenCounter()
    const [, , text] = samples[0] ?? ['', 0, '']
    const alone = await estimated(text)
    const complete = async (usage: Usage, model = 'm'): Promise<void> => {
      const answer = { tokens: [{ ...meta, model }, text], usage }
      await scriptedModel([answer]).invoke('Hi', { callbacks: [counter] })
    }
    // Answers of another model, and answers with reasoning tokens, do not calibrate it.
    await complete({ inputTokens: 1, outputTokens: 900 }, 'another')
    await complete({ inputTokens: 1, outputTokens: 900, reasoningTokens: 800 })
    expect(await estimated(text, counter)).toBe(alone)
    const errors: number[] = []
    for (let i = 0; i < 12; i++) {
      await complete({ inputTokens: 1, outputTokens: Math.round(alone * factor) })
      errors.push(Math.abs((await estimated(text, counter)) / (alone * factor) - 1))
    }
    expect(errors.at(-1)).toBeLessThan(0.15)
    for (const [i, error] of errors.entries()) if (i > 0) expect(error).toBeLessThanOrEqual(errors[i - 1] ?? 0)
  })
})
