import type { EventOf, RunEvent } from '../core/event.ts'
import { rememberRun } from '../core/util/remember-run.ts'
import type { StyledText, TextStyle } from './paint.ts'
import { errorText, errorTexts, formatValue, isStopError, TokenLineBuffer } from './text.ts'

/** Matches the log of a ReAct agent: only its output is labelled `Observation:` and `Thought:`. */
const REACT_ACTION = /^[ \t]*Action[ \t]*\d*[ \t]*:/m
const toolColors: readonly TextStyle[] = ['blue', 'yellow', 'pink']

/** The state of an open run. */
interface TranscriptRun {
  readonly tokenLines: TokenLineBuffer
  /** Whether the run is a ReAct agent: tool outputs are labelled as observations. */
  isReact: boolean
  /** Whether an observation was printed: the agent's next text is labelled as a thought. */
  isThinking: boolean
  /** The error of a child, already printed. */
  failure?: { readonly error: unknown }
}

/**
 * Formats events as LangChain's StdOutCallbackHandler does: banners of chains and agents, an agent's log, tool outputs, and texts. Adds
 * errors, at the run where they occurred, and optionally tokens.
 */
export class TranscriptFormatter {
  readonly #tokens: boolean
  readonly #runs = new Map<string, TranscriptRun>()

  constructor({ tokens = false }: { tokens?: boolean } = {}) {
    this.#tokens = tokens
  }

  /** Returns the output for an event; undefined if it prints nothing. */
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
    const tokenLines = this.#runs.get(run.id)?.tokenLines
    this.#runs.delete(run.id)
    if (hasBanner(run)) return [{ text: '\n' }, { text: '> Finished chain.', style: 'bold' }]
    // A model without streaming has emitted no tokens: print its output.
    if (run.kind === 'llm' || run.kind === 'chat_model')
      return this.#tokens ? toStyledText(!tokenLines || tokenLines.isEmpty ? formatValue(output) : tokenLines.rest) : undefined
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

/** Selects a colour by the tool's name, so that a tool has the same colour in every run. */
function toolColor(tool: string): TextStyle {
  const sum = Array.from(tool).reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0)
  return toolColors[sum % toolColors.length] ?? 'blue'
}
