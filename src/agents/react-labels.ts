/** What follows a label of the ReAct format. */
export type LabelName = 'question' | 'thought' | 'action' | 'input' | 'observation' | 'answer'

/** A label in a model's text. */
export interface Label {
  readonly name: LabelName
  /** The index of its line. */
  readonly at: number
  /** The index of the text after it. */
  readonly from: number
  /** Whether it begins with a capital letter and in the first column, as in the prompt. */
  readonly isExact: boolean
  /** Emphasis that is opened before the label and closed after the text, as in `**Action: search**`. */
  readonly emphasis: string
  /** Whether it is inside a code fence or a line, where a model may only write about the format. */
  readonly isWeak: boolean
}

/** A label at the start of a line: in any case, with marks of Markdown, numbers and a full-width colon. */
const labelPattern =
  /^([\s>#-]*)(?:\d{1,3}[.)]\s{0,3})?([*_`]{0,3})\s{0,3}(question|thought|observation|final[\s_-]?answer|action[\s_-]{0,3}\d{0,3}[\s_-]{0,3}input|action)[\s_-]{0,3}\d{0,3}\s{0,3}([*_`]{0,3})\s{0,3}[:：]([*_`]{0,3})/i
const midLinePattern =
  /(?<!\w)(?:Question|Thought|Observation|Final Answer|Action\s{0,3}\d{0,3}\s{0,3}Input|Action)\s{0,3}\d{0,3}\s{0,3}[:：]/g
/** Labels without anything but their letters, to compare with a line that is not complete. */
const names: readonly string[] = ['question', 'thought', 'observation', 'finalanswer', 'action', 'actioninput']

/** How many characters of a line decide whether it begins with a label. */
export const MAX_LABEL_LENGTH = 64

/** The label at the start of a line; undefined if there is none. */
export function readLabel(line: string, at: number, isWeak: boolean): Label | undefined {
  const match = labelPattern.exec(line.slice(0, MAX_LABEL_LENGTH))
  if (!match) return
  const [whole, indent = '', opening = '', words = '', closing = '', late = ''] = match
  // Marks after the colon close the label's emphasis, or open that of the text.
  const isLate = opening !== '' && closing === ''
  return {
    name: labelName(words),
    at,
    from: at + whole.length - (isLate ? 0 : late.length),
    isExact: indent === '' && /^[A-Z]/.test(words),
    emphasis: isLate && late === '' ? opening : '',
    isWeak,
  }
}

/** Whether the start of a line may become a label. */
export function mayBecomeLabel(line: string): boolean {
  if (line.length >= MAX_LABEL_LENGTH) return false
  const letters = line.replace(/[\s\d>#.)*_`-]/g, '').toLowerCase()
  return names.some((name) => name.startsWith(letters))
}

/** A model's text without its thinking, and the labels in it. */
export interface LabelledText {
  readonly text: string
  readonly labels: readonly Label[]
}

/** All labels, also those inside lines if they are spelled as in the prompt. Of several answers, only the last one. */
export function withMidLineLabels({ text, labels }: LabelledText): readonly Label[] {
  const all = [...labels]
  let next = 0
  for (const { 0: words, index: at } of text.matchAll(midLinePattern)) {
    while (Number(labels[next]?.from) <= at) next++
    if (Number(labels[next]?.at) <= at) continue
    all.push({ name: labelName(words), at, from: at + words.length, isExact: true, emphasis: '', isWeak: true })
  }
  all.sort((a, b) => a.at - b.at)
  const last = all.findLast(({ name }) => name === 'answer')
  return all.filter((label) => label.name !== 'answer' || label === last)
}

function labelName(words: string): LabelName {
  const name = words.toLowerCase()
  if (name.startsWith('final')) return 'answer'
  if (name.includes('input')) return 'input'
  return (['question', 'thought', 'observation', 'action'] as const).find((known) => name.startsWith(known)) ?? 'thought'
}

/**
 * The index of the label that ends the text of another one; undefined if that is all text. Text may contain lines that look like labels:
 * they end it only if the model goes on in the format.
 */
export function endingLabel(labels: readonly Label[], index: number): number | undefined {
  const owner = labels[index]
  for (let at = index + 1; at < labels.length; at++) {
    const label = labels[at]
    if (label?.name === 'observation') return at
    if (label && (label.isExact || !owner?.isExact) && isTurn(label, labels[at + 1], owner)) return at
  }
  return undefined
}

function isTurn(label: Label, next: Label | undefined, owner: Label | undefined): boolean {
  if (label.name === 'action') return next?.name === 'input'
  if (label.name === 'question') return next?.name === 'thought' || next?.name === 'action' || next?.name === 'answer'
  return label.name !== 'input' || owner?.name === 'input'
}
