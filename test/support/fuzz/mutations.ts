import fc from 'fast-check'

/** A way to damage a body. Numbers are positions, taken modulo the number of places there are. */
export type Mutation =
  | { readonly kind: 'drop event' | 'repeat event' | 'truncate'; readonly at: number }
  | { readonly kind: 'swap events'; readonly at: number; readonly other: number }
  | { readonly kind: 'replace value'; readonly at: number; readonly place: number; readonly by: unknown }
  | { readonly kind: 'copy value'; readonly at: number; readonly place: number; readonly other: number; readonly from: number }
  | { readonly kind: 'rename field'; readonly at: number; readonly place: number; readonly name: string }
  | { readonly kind: 'add field'; readonly at: number; readonly place: number; readonly name: string; readonly value: unknown }
  | { readonly kind: 'spell'; readonly ending: '\r\n' | '\r'; readonly hasMark: boolean }
  | { readonly kind: 'insert text' | 'delete text'; readonly at: number; readonly text: string }

/** Field names of many providers and of the events of runs: a renamed field often becomes one that a reader knows. */
const fieldNames = `choices delta message content text type index id function name arguments tool_calls finish_reason stop_reason usage
  reasoning reasoning_content reasoning_details thinking signature citations error code status prompt_tokens completion_tokens total_tokens
  input_tokens output_tokens cache_read_input_tokens prompt_tokens_details cached_tokens cost response refusal content_block partial_json
  candidates parts functionCall usageMetadata done eval_count model run parentId rootId kind tags metadata input output chunk token seq at
  partial outcome durationMs toolCalls args __proto__ toString constructor`.split(/\s+/)

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, 0, -1, 5, 1e308, true, '', ' ', 'x', '[DONE]', 'stop', 'error', '<think>', '\uD800', '{"a":', [], {}),
  fc.constantFrom<unknown>([null], ['a', 'b'], [[[[]]]], { type: 'text', text: 'a' }, [{ type: 'text', text: 'a' }, null], {
    message: 'm',
  }),
  fc.constantFrom<unknown>({ index: 0, id: 'c', function: { name: 't', arguments: { a: 1 } } }, { total_tokens: '7' }, [{ delta: {} }]),
  fc.json({ maxDepth: 3 }).map((text): unknown => JSON.parse(text)),
)
const position = fc.nat(10_000)
const fieldName = fc.constantFrom(...fieldNames)

/** Mutations of one body, most of them of its JSON. */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('drop event' as const, 'repeat event' as const, 'truncate' as const), at: position }),
    fc.record({ kind: fc.constant('swap events' as const), at: position, other: position }),
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('replace value' as const), at: position, place: position, by: odd }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('copy value' as const), at: position, place: position, other: position, from: position }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('rename field' as const), at: position, place: position, name: fieldName }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('add field' as const), at: position, place: position, name: fieldName, value: odd }),
    },
    fc.record({ kind: fc.constant('spell' as const), ending: fc.constantFrom('\r\n' as const, '\r' as const), hasMark: fc.boolean() }),
    fc.record({
      kind: fc.constantFrom('insert text' as const, 'delete text' as const),
      at: position,
      text: fc.constantFrom('\n', '\n\n', '"', '}', ' ', 'data: ', ':', '\\', '\0', '\uFEFF', 'event: error\n', 'id: 1\n', '[', '9'),
    }),
  ),
  { maxLength: 4 },
)

/** Applies mutations to a body of SSE events, or of lines, or to one JSON text. */
export const mutate = (body: string, list: readonly Mutation[]): string => list.reduce(mutateOnce, body)

function mutateOnce(body: string, mutation: Mutation): string {
  const gap = body.includes('\n\n') ? '\n\n' : '\n'
  const events = body.split(gap)
  const at = 'at' in mutation ? mutation.at % events.length : 0
  const event = events[at] ?? ''
  const replaced = (by: string): string => events.with(at, by).join(gap)
  switch (mutation.kind) {
    case 'drop event':
      return events.toSpliced(at, 1).join(gap)
    case 'repeat event':
      return events.toSpliced(at, 0, event).join(gap)
    case 'truncate':
      return body.slice(0, mutation.at % (body.length + 1))
    case 'swap events': {
      const other = mutation.other % events.length
      return events
        .with(at, events[other] ?? '')
        .with(other, event)
        .join(gap)
    }
    case 'spell':
      // Only server-sent events may have lines that end with CR.
      return (mutation.hasMark ? '\uFEFF' : '') + body.replace(/\r?\n/g, body.includes('data:') ? mutation.ending : '\r\n')
    case 'insert text':
    case 'delete text': {
      const place = mutation.at % (body.length + 1)
      return mutation.kind === 'insert text'
        ? body.slice(0, place) + mutation.text + body.slice(place)
        : body.slice(0, place) + body.slice(place + mutation.text.length)
    }
    default:
      return replaced(mutateJson(event, events, mutation))
  }
}

type JsonMutation = Extract<Mutation, { readonly place: number }>

/** Mutates the JSON of one event; an event without JSON stays as it is. */
function mutateJson(event: string, events: readonly string[], mutation: JsonMutation): string {
  const found = readJson(event)
  if (!found) return event
  const count = countValues(found.json)
  const edit = (value: unknown): unknown => {
    switch (mutation.kind) {
      case 'replace value':
        return mutation.by
      case 'copy value': {
        const other = readJson(events[mutation.other % events.length] ?? '')?.json ?? null
        return valueAt(other, mutation.from % countValues(other))
      }
      case 'rename field':
        return isObject(value)
          ? Object.fromEntries(Object.entries(value).map(([key, item], i) => [i === 0 ? mutation.name : key, item]))
          : value
      case 'add field':
        return isObject(value) ? { ...value, [mutation.name]: mutation.value } : value
    }
  }
  return found.prefix + JSON.stringify(editAt(found.json, mutation.place % count, edit))
}

function readJson(event: string): { readonly prefix: string; readonly json: unknown } | undefined {
  const start = event.search(/[{[]/)
  if (start < 0) return undefined
  try {
    return { prefix: event.slice(0, start), json: JSON.parse(event.slice(start)) as unknown }
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const countValues = (value: unknown): number =>
  1 + (typeof value === 'object' && value !== null ? Object.values(value).reduce((sum: number, item) => sum + countValues(item), 0) : 0)

/** The value at a place, counted over all values in their order. */
function valueAt(value: unknown, place: number): unknown {
  let found: unknown
  editAt(value, place, (it) => {
    found = it
    return it
  })
  return found
}

function editAt(value: unknown, place: number, edit: (value: unknown) => unknown): unknown {
  let left = place
  const visit = (part: unknown): unknown => {
    if (left-- === 0) return edit(part)
    if (Array.isArray(part)) return part.map(visit)
    return isObject(part) ? Object.fromEntries(Object.entries(part).map(([key, item]) => [key, visit(item)])) : part
  }
  return visit(value)
}
