import { type Handler, type OwnOptions, Runnable } from 'chaintap'
import { Flow } from 'chaintap/advanced'
import { recorder } from 'chaintap/testing'
import { expect, test } from 'vitest'

/** A runnable with a `#private` field. */
class Repeat extends Runnable<string, string> {
  readonly name = 'Repeat'
  readonly kind = 'chain'
  #times: number

  constructor(times: number, options?: OwnOptions) {
    super(options)
    this.#times = times
  }

  open(text: string): Flow<string> {
    return Flow.of(text.repeat(this.#times))
  }

  twice(text: string): Promise<string> {
    return this.invoke(text.repeat(2))
  }

  protected override copy(): this {
    return new Repeat(this.#times, this) as this
  }
}

class Shout extends Runnable<string, string> {
  readonly name = 'Shout'
  readonly kind = 'chain'
  readonly suffix = '!'
  open(text: string): Flow<string> {
    return Flow.of(text + this.suffix)
  }
  twice(text: string): Promise<string> {
    return this.invoke(text.repeat(2))
  }
}

class Whisper extends Shout {
  #isSoft = true
  override open(text: string): Flow<string> {
    return Flow.of(this.#isSoft ? `(${text})` : text)
  }
}

const runTagged = async (runnable: Repeat | Shout): Promise<readonly string[]> => {
  const recorded = recorder()
  await runnable.withConfig({ callbacks: [recorded], tags: ['bound'] }).twice('a')
  return recorded.events.flatMap(({ type, run }) => (type === 'start' ? [`${run.name} ${run.tags.join(' ')}`] : []))
}

test('withConfig() returns a copy with the methods and properties of its class, and binds options to it alone', async () => {
  const shout = new Shout({ tags: ['own'] })
  const bound = shout.withConfig({ tags: ['bound'] })
  expect(bound).toBeInstanceOf(Shout)
  expect(bound).not.toBe(shout)
  expect(await bound.twice('a')).toBe('aa!')
  expect(await runTagged(shout)).toEqual(['Shout bound own'])
})

test('copy() lets a class with #private fields be bound; callbacks, tags and metadata pass on from `this`', async () => {
  const own: string[] = []
  const callbacks: readonly Handler[] = [{ onChainStart: (input) => void own.push(String(input)) }]
  const repeat = new Repeat(3, { callbacks, tags: ['own'], metadata: { by: 'me' } })
  expect(await runTagged(repeat)).toEqual(['Repeat bound own'])
  expect(own).toEqual(['aa'])
  const bound = repeat.withConfig({ runName: 'Thrice' }).withConfig({ metadata: { call: 1 } })
  expect(await bound.invoke('b')).toBe('bbb')
  expect(bound.metadata).toEqual({ by: 'me' })
})

test('withConfig() of a class with #private fields and without copy() fails when the copy runs', async () => {
  expect(await new Whisper().invoke('a')).toBe('(a)')
  await expect(new Whisper().withConfig({}).invoke('a')).rejects.toBeInstanceOf(TypeError)
})
