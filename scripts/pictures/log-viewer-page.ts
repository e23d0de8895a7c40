// The page of the pictures: the viewer with an invented log. Its times are fixed, so that the pictures stay the same.
import { ModelError, type Run, type RunEvent, type RunKind } from 'chaintap'
import { type LogMessage, type LogRecord, MemoryLogStore } from 'chaintap/log'
import { priceTable } from 'chaintap/tokens'
import 'chaintap/viewer'

let now = new Date(2026, 10, 21, 9, 41, 7, 312).getTime()
const records: LogRecord[] = []
let seq = 0
let runs = 0

const wait = (ms: number): void => {
  now += ms
}

function open(name: string, kind: RunKind, input: unknown, parent?: Run): Run {
  const id = `019aa5b2-7c31-7000-8000-${(0x1f3a0000 + runs++ * 0x101).toString(16).padStart(12, '0')}`
  const tags = kind === 'agent' || parent?.tags.includes('agent') ? ['agent'] : ['chat']
  const metadata = parent ? {} : { user: 'bo', page: '/support' }
  const run: Run = { id, parentId: parent?.id, rootId: parent?.rootId ?? id, name, kind, tags, metadata }
  tell(run, { type: 'start', input })
  return run
}

type EventFields = RunEvent extends infer Event ? (Event extends RunEvent ? Omit<Event, 'run' | 'at' | 'seq'> : never) : never

const tell = (run: Run, fields: EventFields): void => void records.push({ run, at: now, seq: seq++, ...fields })

const say = (level: LogMessage['level'], category: readonly string[], message: string, properties: Record<string, unknown> = {}): void =>
  void records.push({ level, category, message, properties, at: now })

/** Emits tokens at a realistic, varying pace. */
function speak(run: Run, text: string, first: number, pace: number): void {
  wait(first)
  for (const [i, token] of text.split(/(?<= )/).entries()) {
    tell(run, { type: 'token', token })
    wait(pace * (0.5 + ((i * 7) % 11) / 10))
  }
}

const answered = { id: 'msg_01XgK3', model: 'claude-haiku-4-5', url: 'https://api.anthropic.com/v1/messages' }
const system = { role: 'system', content: 'Answer in plain text, in a few sentences.' }

function chat(question: string, answer: string, first: number, pace: number): void {
  const chain = open('RunnableSequence', 'chain', { question })
  const prompt = open('ChatPromptTemplate', 'prompt', { question }, chain)
  wait(3)
  const messages = [system, { role: 'user', content: question }]
  tell(prompt, { type: 'end', output: messages })
  const model = open('ChatAnthropic', 'chat_model', messages, chain)
  speak(model, answer, first, pace)
  const parser = open('StringOutputParser', 'parser', undefined, chain)
  const usage = { inputTokens: 31, outputTokens: Math.round(answer.length / 3.6), source: 'provider' } as const
  tell(model, { type: 'end', output: { role: 'assistant', content: answer, stopReason: 'end_turn' }, usage, answered })
  wait(2)
  tell(parser, { type: 'end', output: answer })
  tell(chain, { type: 'end', output: answer })
  wait(940)
}

function agent(): void {
  const root = open('AgentExecutor', 'agent', { input: 'What is 2 raised to the 0.235 power?' })
  const model = open('ChatOpenAI', 'chat_model', 'What is 2 raised to the 0.235 power?', root)
  speak(model, 'I should use the calculator for this. Action: calculator Action Input: 2^0.235 ', 312, 21)
  tell(model, {
    type: 'end',
    output: 'I should use the calculator',
    usage: { inputTokens: 214, outputTokens: 24 },
    answered: { model: 'gpt-5.5-mini' },
  })
  tell(root, { type: 'action', action: { tool: 'calculator', toolInput: '2^0.235', log: 'I should use the calculator for this.' } })
  const tool = open('calculator', 'tool', '2^0.235', root)
  wait(86)
  tell(tool, { type: 'end', output: '1.1769067372187674' })
  const last = open('ChatOpenAI', 'chat_model', 'Observation: 1.1769067372187674', root)
  speak(last, 'I now know the final answer. Final Answer: 2 raised to the 0.235 power is 1.1769. ', 268, 24)
  tell(last, {
    type: 'end',
    output: 'Final Answer: 1.1769',
    usage: { inputTokens: 251, outputTokens: 21 },
    answered: { model: 'gpt-5.5-mini' },
  })
  tell(root, { type: 'end', output: { output: '2 raised to the 0.235 power is 1.1769.' } })
  wait(700)
}

function failure(): void {
  const chain = open('RunnableSequence', 'chain', { question: 'Summarise the incident report.' })
  const model = open('ChatAnthropic', 'chat_model', [system, { role: 'user', content: 'Summarise the incident report.' }], chain)
  const cause = new TypeError('fetch failed: the connection was reset')
  const error = new ModelError('http', 'Anthropic is overloaded: wait, or ask another model.', {
    status: 529,
    providerType: 'overloaded_error',
    cause,
  })
  wait(610)
  tell(model, { type: 'retry', attempt: 1, error })
  wait(1_480)
  tell(model, { type: 'error', error, partial: undefined })
  tell(chain, { type: 'error', error, partial: undefined })
  wait(430)
}

say('info', ['app'], 'ready', { version: '4.2.0' })
wait(1_214)
chat(
  'Why do bears sleep in winter?',
  'Food is scarce in winter, so bears save energy: their heart slows, they live off their fat, and some give birth in the den.',
  412,
  38,
)
say('debug', ['app', 'cache'], 'stored the answer for 3600 s', { key: 'bears/winter' })
wait(620)
agent()
failure()
say('warning', ['app', 'chat'], 'asking another model after 2 attempts', { attempts: 2 })
wait(180)
chat(
  'Tell me a joke about bears',
  'What do you call a bear with no teeth? A gummy bear! He also goes by the name of Haribo, though only to his friends.',
  233,
  19,
)
say('info', ['app', 'chat'], 'answered in the second attempt')
wait(300)

const store = new MemoryLogStore()
await store.append(records)
const viewer = Object.assign(document.createElement('chaintap-log'), {
  store,
  prices: priceTable({ 'claude-haiku-4-5': { input: 1, output: 5 }, 'gpt-5.5-mini': { input: 0.5, output: 4 } }),
})
document.body.appendChild(viewer)

/** Starts the run that is still in progress in the pictures. Its events are appended live. */
Object.assign(window, {
  async goOn() {
    const from = records.length
    const chain = open('RunnableSequence', 'chain', { question: 'How do bears find honey?' })
    const prompt = open('ChatPromptTemplate', 'prompt', { question: 'How do bears find honey?' }, chain)
    wait(2)
    const messages = [system, { role: 'user', content: 'How do bears find honey?' }]
    tell(prompt, { type: 'end', output: messages })
    const model = open('ChatAnthropic', 'chat_model', messages, chain)
    speak(model, 'By smell, above all: a bear can smell a hive from more than a mile away, and then listens for the ', 287, 27)
    await store.append(records.slice(from))
  },
})
