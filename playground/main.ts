import { type Outcome, type RunEvent, type RunOptions, type RunStream, UserStop } from 'chaintap'
import { part } from './dom.ts'
import { log, logger, showLog } from './log.ts'
import { Spending } from './spending.ts'
import { RunTree } from './tree.ts'
import { duration, unknown, valueText } from './words.ts'
import { forgetUnfinished, remote, unfinished, type Way, whichModel } from './worker-api.ts'

const form = part('form', HTMLFormElement)
const field = part('question', HTMLTextAreaElement)
const askButton = part('ask', HTMLButtonElement)
const stopButton = part('stop', HTMLButtonElement)
const answer = part('answer', HTMLDivElement)
const problem = part('problem', HTMLParagraphElement)
const model = part('model', HTMLParagraphElement)
const figures = { first: part('first', HTMLElement), speed: part('speed', HTMLElement) }
const outcome = part('outcome', HTMLElement)
const tree = new RunTree(part('runs', HTMLUListElement))
const spending = new Spending({
  tokens: part('usage', HTMLElement),
  cost: part('cost', HTMLElement),
  session: part('session', HTMLElement),
})

/** The run of the current answer. */
let current: RunStream<string, unknown> | undefined

/** Shows an answer while it streams: a new one, or one that is resumed after a reload. */
async function show(open: (options: RunOptions) => RunStream<string, unknown>): Promise<void> {
  current?.stop()
  begin()
  const appendToken = tokenAppender()
  const showEvent = (event: RunEvent): void => (run === current ? tree.show(event) : undefined)
  const run = open({ callbacks: [showEvent, spending.question(), log] })
  current = run
  try {
    for await (const text of run) if (run === current) appendToken(text)
  } catch {
    // The outcome has the error.
  }
  const ending = await run.outcome
  logger.info(`The answer is ${ending.status}.`)
  if (run !== current) return
  forgetUnfinished()
  end(ending)
}

const ask = (question: string): Promise<void> => show((options) => remote(way()).stream({ question }, options))

const ways = form.elements.namedItem('way') as RadioNodeList
const way = (): Way => ways.value as Way

/** Appends tokens to the answer, each at a cost that does not grow with its length, and measures their times. */
function tokenAppender(): (token: string) => void {
  const startedAt = performance.now()
  let firstAt: number | undefined
  let count = 0
  return (token) => {
    const now = performance.now()
    // A text node: output of a model is never parsed as HTML.
    answer.appendChild(new Text(token))
    count++
    firstAt ??= now
    if (count === 1) figures.first.textContent = duration(now - startedAt)
    else figures.speed.textContent = `${((1_000 * (count - 1)) / (now - firstAt)).toFixed(0)} tokens/s`
  }
}

function begin(): void {
  tree.clear()
  answer.replaceChildren()
  // Screen readers announce the answer when it is complete, not in parts.
  answer.ariaBusy = 'true'
  problem.hidden = true
  for (const figure of Object.values(figures)) figure.textContent = unknown
  state('running')
}

function end(ending: Outcome<unknown>): void {
  current = undefined
  answer.ariaBusy = 'false'
  const isStopped = ending.status === 'aborted' && ending.error instanceof UserStop
  const error = ending.status === 'complete' || isStopped ? undefined : ending.error
  showError(error)
  state(isStopped ? 'stopped' : ending.status)
}

function showError(error: unknown): void {
  problem.textContent = error === undefined ? '' : error instanceof Error ? error.message : valueText(error)
  problem.hidden = error === undefined
}

function state(status: string): void {
  const isRunning = status === 'running'
  outcome.textContent = status
  outcome.dataset.status = status
  const [shown, hidden] = isRunning ? [stopButton, askButton] : [askButton, stopButton]
  const hadFocus = document.activeElement === hidden
  shown.hidden = false
  if (hadFocus) shown.focus()
  hidden.hidden = true
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void ask(field.value)
})

field.addEventListener('keydown', (event) => {
  // Enter also ends the composition of a character by an input method.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  form.requestSubmit()
})

part('examples', HTMLFieldSetElement).addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return
  ways.value = target.dataset.way ?? 'chain'
  field.value = target.textContent
  void ask(field.value)
})

stopButton.addEventListener('click', () => current?.stop())

whichModel().then(({ name, offline }) => {
  model.textContent = offline ? 'offline model' : name
  model.hidden = false
  part('hint', HTMLParagraphElement).hidden = !offline
}, showError)

const unfinishedId = unfinished()
if (unfinishedId !== null) {
  ways.value = 'resumable'
  void show((options) => remote('resumable').resume(unfinishedId, options))
}

void showLog()
