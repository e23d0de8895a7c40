import { ChaintapError } from '../core/errors.ts'

/** Streams the final answer, trimmed, as far as it is certain that it is not cut later. */
export class AnswerStream {
  readonly #isLive: boolean
  #state: 'before' | 'open' | 'held' = 'before'
  /** White space that is part of the answer only if more follows. */
  #blank = ''
  /** What `take` returns next. */
  #ready = ''
  #taken = ''

  /** @param isLive Whether the answer is streamed before it is complete. */
  constructor(isLive: boolean) {
    this.#isLive = isLive
  }

  /** The answer starts, or starts again if there was only white space. */
  start(isCertain: boolean): void {
    const isEmpty = this.#state === 'before' || (this.#state === 'open' && this.#ready + this.#taken === '')
    this.#state = isEmpty && isCertain && this.#isLive ? 'open' : 'held'
    this.#blank = ''
  }

  /** Holds back all further text. */
  hold(): void {
    if (this.#state === 'open') this.#state = 'held'
  }

  /** Everything so far was thinking. */
  forget(): void {
    this.#state = this.#taken === '' ? 'before' : 'held'
    this.#ready = this.#blank = ''
  }

  add(text: string): void {
    if (this.#state !== 'open') return
    const certain = text.trimEnd()
    if (certain !== '') {
      const isFirst = this.#ready === '' && this.#taken === ''
      this.#ready += isFirst ? certain.trimStart() : this.#blank + certain
      this.#blank = ''
    }
    this.#blank += text.slice(certain.length)
  }

  /** Returns what has become certain since the last call. */
  take(): string {
    const ready = this.#ready
    this.#taken += ready
    this.#ready = ''
    return ready
  }

  /**
   * Returns the rest of the complete answer.
   *
   * @param answer Undefined if the text turned out to contain no answer.
   * @throws ChaintapError `agent_format` if it does not begin with what was streamed: the model only thought that.
   */
  rest(answer: string | undefined): string {
    if (answer?.startsWith(this.#taken)) return answer.slice(this.#taken.length)
    if (this.#taken === '') return ''
    throw new ChaintapError(
      'agent_format',
      `The agent streamed ${JSON.stringify(this.#taken.slice(0, 80))} as its answer, but the model then ended its thinking with a tag that it had not opened. Let the server separate the thinking (a reasoning parser), or use invoke() instead of stream().`,
    )
  }
}
