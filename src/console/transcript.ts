import type { EventOf, RunEvent } from '../core/event.ts'
import { rememberRun } from '../core/util/remember-run.ts'
import type { StyledText, TextStyle } from './paint.ts'
import { errorText, errorTexts, formatValue, isStopError, TokenLineBuffer } from './text.ts'

/** What an agent's log has where it speaks ReAct: only then do observations and thoughts go by these names. */
const REACT_ACTION = /^[ \t]*Action[ \t]*\d*[ \t]*:/m
const toolColors: readonly TextStyle[] = ['blue', 'yellow', 'pink']

/** An open run, as far as the transcript must know it. */
interface TranscriptRun {
  readonly tokenLines: TokenLineBuffer
  /** Its observations are shown as such. */
  isReact: boolean
  /** An observation was shown, so what the agent says next is a thought. */
  isThinking: boolean
  /** The failure of a child, which has been shown. */
  failure?: { readonly error: unknown }
}

/**
 * Events as the transcript that LangChain's StdOutCallbackHandler prints: banners of chains and agents, an agent's log, its tools'
 * outputs, texts; and what that leaves out: errors, where they arose, and tokens on request.
 */
export class TranscriptFormatter {
  readonly #tokens: boolean
  readonly #runs = new Map<string, TranscriptRun>()

  constructor({ tokens = false }: { tokens?: boolean } = {}) {
    this.#tokens = tokens
  }

  /** What to print for an event, if anything. */
  format(event: RunEvent): readonly StyledText[] | undefined {
    switch (event.type) {
      case 'start':
        return this.#start(event)
      case 'token':
        return this.#tokens ? toStyledText(this.#runState(event.run.id).tokenLines.add(event.token)) : undefined
      case 'text':
        return [{ text: event.text }]
      case 'action':
        return this.#action(event)
      case 'finish':
        return [...this.#thoughtLabel(event.run.id), { text: event.finish.log, style: 'green' }]
      case 'retry':
        return [{ text: `Retrying ${event.run.name} (${event.attempt}): ${errorText(event.error)}`, style: 'yellow' }]
      case 'end':
        return this.#end(event)
      case 'error':
        return this.#error(event)
      default:
        return
    }
  }

  #runState(id: string): TranscriptRun {
    return this.#runs.get(id) ?? rememberRun(this.#runs, id, { tokenLines: new TokenLineBuffer(), isReact: false, isThinking: false })
  }

  #start({ run }: RunEvent): readonly StyledText[] | undefined {
    this.#runState(run.id)
    return hasBanner(run) ? [{ text: '\n\n' }, { text: `> Entering new ${run.name} chain...`, style: 'bold' }] : undefined
  }

  #action({ run, action }: EventOf<'action'>): readonly StyledText[] {
    const thought = this.#thoughtLabel(run.id)
    this.#runState(run.id).isReact = REACT_ACTION.test(action.log)
    return [...thought, { text: action.log, style: 'green' }]
  }

  #thoughtLabel(id: string): readonly StyledText[] {
    const agent = this.#runs.get(id)
    if (!agent?.isThinking) return []
    agent.isThinking = false
    return [{ text: 'Thought:' }]
  }

  #end({ run, output }: EventOf<'end'>): readonly StyledText[] | undefined {
    const said = this.#runs.get(run.id)?.tokenLines
    this.#runs.delete(run.id)
    if (hasBanner(run)) return [{ text: '\n' }, { text: '> Finished chain.', style: 'bold' }]
    // A model that was asked for a whole answer has told no tokens.
    if (run.kind === 'llm' || run.kind === 'chat_model')
      return this.#tokens ? toStyledText(!said || said.isEmpty ? formatValue(output) : said.rest) : undefined
    if (run.kind !== 'tool') return
    const agent = this.#runs.get(run.parentId ?? '')
    if (agent) agent.isThinking = agent.isReact
    const observation: StyledText = { text: formatValue(output), style: toolColor(run.name) }
    return agent?.isReact ? [{ text: 'Observation: ' }, observation] : [observation]
  }

  #error({ run, error }: EventOf<'error'>): readonly StyledText[] | undefined {
    const open = this.#runs.get(run.id)
    this.#runs.delete(run.id)
    const parent = this.#runs.get(run.parentId ?? '')
    if (parent) parent.failure = { error }
    const rest = open?.tokenLines.rest ?? ''
    if (open?.failure && open.failure.error === error) return toStyledText(rest)
    const stopped = isStopError(error)
    const text = `${run.name} ${stopped ? 'stopped' : 'failed'}: ${errorTexts(error).join('\n  caused by ')}`
    return [{ text: rest === '' ? '' : `${rest}\n` }, { text, style: stopped ? 'yellow' : 'red' }]
  }
}

const hasBanner = ({ kind }: RunEvent['run']): boolean => kind === 'chain' || kind === 'agent'

const toStyledText = (text: string | undefined): readonly StyledText[] | undefined => (text ? [{ text }] : undefined)

/** By its name rather than in turn: a tool has the same colour in every run. */
function toolColor(tool: string): TextStyle {
  const sum = Array.from(tool).reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0)
  return toolColors[sum % toolColors.length] ?? 'blue'
}
