import { part } from './dom.ts'
import { ask, isAbort, type Way, whichModel } from './events.ts'
import { log, logger, showLog } from './log.ts'
import { Spending } from './spending.ts'
import { RunTree } from './tree.ts'
import { duration, unknown } from './words.ts'

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

/** The question that is being answered. */
let current: AbortController | undefined

async function run(question: string): Promise<void> {
  current?.abort()
  const controller = new AbortController()
  current = controller
  begin()
  const said = speech()
  const counter = spending.question()
  try {
    const ending = await ask(way(), question, controller.signal, (event) => {
      if (event.type !== 'chunk') log.onEvent(event)
      if (controller !== current) return
      tree.show(event)
      if (event.type === 'chunk') said(String(event.chunk))
      else counter.onEvent(event)
    })
    logger.info(`The answer is ${ending.status}: ${answer.textContent}`)
    if (controller === current) end(ending.status, ending.error)
  } catch (error) {
    if (controller !== current) return
    if (isAbort(error)) end('stopped')
    else end('failed', error)
  }
}

const ways = form.elements.namedItem('way') as RadioNodeList
const way = (): Way => (ways.value === 'agent' ? 'agent' : 'chain')

/** Puts tokens at the end of the answer, each at the same cost however long that is, and times them. */
function speech(): (token: string) => void {
  const askedAt = performance.now()
  let firstAt: number | undefined
  let count = 0
  return (token) => {
    const now = performance.now()
    // A text node: what a model says is never read as HTML.
    answer.appendChild(new Text(token))
    count++
    firstAt ??= now
    if (count === 1) figures.first.textContent = duration(now - askedAt)
    else figures.speed.textContent = `${((1_000 * (count - 1)) / (now - firstAt)).toFixed(0)} tokens/s`
  }
}

function begin(): void {
  tree.clear()
  answer.replaceChildren()
  // Read out when it is whole, not in pieces.
  answer.ariaBusy = 'true'
  problem.hidden = true
  for (const figure of Object.values(figures)) figure.textContent = unknown
  show('running')
}

function end(status: string, error?: unknown): void {
  current = undefined
  tree.leave()
  answer.ariaBusy = 'false'
  problem.textContent = error === undefined ? '' : messageOf(error)
  problem.hidden = error === undefined
  show(status)
}

function show(status: string): void {
  const isRunning = status === 'running'
  outcome.textContent = status
  outcome.dataset.status = status
  const [shown, gone] = isRunning ? [stopButton, askButton] : [askButton, stopButton]
  const hadFocus = document.activeElement === gone
  shown.hidden = false
  if (hadFocus) shown.focus()
  gone.hidden = true
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void run(field.value)
})

field.addEventListener('keydown', (event) => {
  // Enter also ends the composition of a word, in scripts that are written so.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  form.requestSubmit()
})

part('examples', HTMLFieldSetElement).addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return
  ways.value = target.dataset.way ?? 'chain'
  field.value = target.textContent
  void run(field.value)
})

stopButton.addEventListener('click', () => current?.abort())

whichModel().then(
  ({ name, offline }) => {
    model.textContent = offline ? 'offline model' : name
    model.hidden = false
    part('hint', HTMLParagraphElement).hidden = !offline
  },
  (error: unknown) => {
    problem.textContent = messageOf(error)
    problem.hidden = false
  },
)

void showLog()
