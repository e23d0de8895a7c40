import type { EndEvent, EventOf, ResponseInfo, RunEvent } from '../../core/event.ts'
import { type AssistantMessage, isContent, type Message, type ToolCall, textOf } from '../../core/message.ts'
import { mergeUsage, possibleUsage, type Usage } from '../../core/usage.ts'
import type { UsageRecord } from '../usage-record.ts'
import { weigh } from './estimate.ts'
import type { TrackedCall } from './tracked-call.ts'

const initialCall = {
  seq: -1,
  isFromRun: false,
  isFromMeter: false,
  id: undefined,
  model: undefined,
  provider: undefined,
  url: undefined,
  cacheWrite1hTokens: undefined,
  usage: undefined,
  prompt: undefined,
  inputWeight: 0,
  outputWeight: 0,
  hasBegun: false,
  isComplete: false,
  isOver: false,
  estimate: undefined,
  lastPrice: undefined,
}

/** Tags that the library sets: a run's position in its chain. */
const FRAMEWORK_TAG = /^(seq:step|map:key|retry:attempt):/

/** Creates the call of a run that has started. */
export function callFromStart({ run, at, seq, input }: EventOf<'start'>): TrackedCall {
  const prompt = callInputText(input)
  return {
    ...initialCall,
    tags: new Set(run.tags.filter((tag) => !FRAMEWORK_TAG.test(tag))),
    at,
    seq,
    isFromRun: true,
    prompt,
    inputWeight: weigh(prompt ?? ''),
  }
}

/** Creates a call from a meter's record. It is over. */
export function callFromRecord(record: UsageRecord): TrackedCall {
  const call: TrackedCall = { ...initialCall, tags: new Set(), at: Date.now() - record.durationMs, isOver: true }
  applyMeterRecord(call, record)
  return call
}

/** Applies an event of the call's run. At the end of the run, returns the whole output as text. */
export function applyEvent(call: TrackedCall, event: RunEvent): string | undefined {
  call.seq = event.seq
  switch (event.type) {
    case 'token':
      return addCallOutput(call, event.token)
    case 'delta': {
      const { delta } = event
      if (delta.type === 'usage') addReportedUsage(call, delta.usage)
      if (delta.type === 'meta') {
        call.id = delta.id ?? call.id
        call.model = delta.model ?? call.model
        call.cacheWrite1hTokens = delta.cacheWrite1hTokens ?? call.cacheWrite1hTokens
      }
      return addCallOutput(
        call,
        delta.type === 'reasoning' ? delta.text : delta.type === 'tool-call' ? (delta.name ?? '') + (delta.args ?? '') : '',
      )
    }
    case 'end':
      // A truncated answer that was accepted (`onTruncated`) ends with `end` too.
      call.isComplete ||= event.usage?.source !== 'partial'
      return finishCall(call, event, event.output)
    case 'error':
      return finishCall(call, event, event.partial)
    default:
      return
  }
}

/** Applies a meter's record of the same answer. */
export function applyMeterRecord(
  call: TrackedCall,
  { responseId, model, provider, url, usage, outputWeight = 0, complete, tag, ...record }: UsageRecord,
): void {
  call.isFromMeter = true
  call.id ??= responseId
  call.model = model ?? call.model
  call.provider = provider ?? call.provider
  call.url = url
  call.cacheWrite1hTokens = record.cacheWrite1hTokens ?? call.cacheWrite1hTokens
  if (usage) addReportedUsage(call, usage)
  call.outputWeight = Math.max(call.outputWeight, outputWeight)
  call.hasBegun ||= usage !== undefined || outputWeight > 0 || complete || record.isUnreadable === true
  call.isComplete ||= complete
  if (typeof tag === 'string') call.tags.add(tag)
}

/** Merges two reports of one call, one from its run and one from a meter, into the first. */
export function mergeCalls(call: TrackedCall, other: TrackedCall): void {
  call.isFromRun ||= other.isFromRun
  call.isFromMeter ||= other.isFromMeter
  call.model ??= other.model
  call.provider ??= other.provider
  call.url ??= other.url
  call.cacheWrite1hTokens ??= other.cacheWrite1hTokens
  if (other.usage) call.usage = mergeUsage(call.usage, other.usage)
  call.outputWeight = Math.max(call.outputWeight, other.outputWeight)
  call.isComplete ||= other.isComplete
  call.estimate ??= other.estimate
  for (const tag of other.tags) call.tags.add(tag)
}

/** Events and records may come from anywhere: figures that cannot be true are left out, or no budget would hold. */
function addReportedUsage(call: TrackedCall, usage: Usage): void {
  call.usage = mergeUsage(call.usage, possibleUsage(usage))
}

function addCallOutput(call: TrackedCall, text: string): undefined {
  call.outputWeight += weigh(text)
  call.hasBegun = true
}

function finishCall(call: TrackedCall, { usage, answered }: EndEvent, output: unknown): string | undefined {
  call.isOver = true
  if (usage) addReportedUsage(call, usage)
  // Older stored events have these fields in the message instead.
  const { id, model, url, cacheWrite1hTokens } = answered ?? (Object(output) as ResponseInfo)
  call.id = id ?? call.id
  call.model = model ?? call.model
  call.url = url ?? call.url
  call.cacheWrite1hTokens = cacheWrite1hTokens ?? call.cacheWrite1hTokens
  const answer = callOutputText(output)
  call.outputWeight ||= weigh(answer)
  call.hasBegun ||= call.isComplete || usage !== undefined || answer !== ''
  return answer
}

function callInputText(input: unknown): string | undefined {
  if (typeof input === 'string') return input
  try {
    return (input as readonly Message[] | undefined)?.map(textOf).join('\n')
  } catch {
    // The input is not a list of messages: the run is about to fail.
    return undefined
  }
}

/** Returns the whole output as text: text, reasoning and tool calls. */
function callOutputText(output: unknown): string {
  if (typeof output === 'string') return output
  const { content, toolCalls } = Object(output) as Partial<AssistantMessage>
  const parts = isContent(content) ? content : ''
  const text = typeof parts === 'string' ? parts : parts.map((part) => ('text' in part ? part.text : '')).join('')
  // Events of runs elsewhere may have an output of any shape.
  const calls = Array.isArray(toolCalls) ? (toolCalls as readonly (ToolCall | null)[]) : []
  return (
    text + calls.map((call) => `${call?.name}${typeof call?.args === 'string' ? call.args : JSON.stringify(call?.args ?? {})}`).join('')
  )
}
