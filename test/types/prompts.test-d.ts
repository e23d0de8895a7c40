// Variables are inferred from the template literal.
import {
  ChatPromptTemplate,
  type ChatTemplate,
  literal,
  type MessageLike,
  MessagesPlaceholder,
  PromptTemplate,
  type PromptValue,
  toMessages,
  userMessage,
  type Variables,
} from 'chaintap'
import { expectTypeOf } from 'vitest'

// Variables
expectTypeOf<Variables<'a {x} b {{y}}'>>().toEqualTypeOf<'x'>()
expectTypeOf<Variables<'{{pre{foo}post}}'>>().toEqualTypeOf<'foo'>()
expectTypeOf<Variables<'{{{x}}}'>>().toEqualTypeOf<'x'>()
expectTypeOf<Variables<'{a}{b}{a}'>>().toEqualTypeOf<'a' | 'b'>()
expectTypeOf<Variables<'{ a } {x:>4}'>>().toEqualTypeOf<' a ' | 'x:>4'>()
expectTypeOf<Variables<'plain }}{{'>>().toEqualTypeOf<never>()
expectTypeOf<Variables<string>>().toEqualTypeOf<string>()

// PromptTemplate
const joke = PromptTemplate.fromTemplate('{animal}')
void joke.invoke({ animal: 'bears' })
void joke.invoke({ animal: 7 })
void joke.invoke('bears')
expectTypeOf(joke.format({ animal: true })).resolves.toEqualTypeOf<string>()
// @ts-expect-error animal is missing
void joke.invoke({})
// @ts-expect-error animal is misspelt
void joke.invoke({ anymal: 'bears' })
// @ts-expect-error an object is not a prompt value
void joke.invoke({ animal: { name: 'bear' } })
// @ts-expect-error undefined is not a prompt value
void joke.invoke({ animal: undefined })
// @ts-expect-error a number alone is not an input
void joke.invoke(7)

const two = PromptTemplate.fromTemplate('{a} {b}')
void two.invoke({ a: 1, b: 2 })
// @ts-expect-error b is missing
void two.invoke({ a: 1 })
// @ts-expect-error a string alone cannot fill two variables
void two.invoke('x')

const none = PromptTemplate.fromTemplate('Hi {{there}}')
void none.invoke({})
// @ts-expect-error a string alone needs a variable to fill
void none.invoke('x')

declare const unknown: string
void PromptTemplate.fromTemplate(unknown).invoke({ whatever: 'x' })
void PromptTemplate.fromTemplate(unknown).invoke('x')
// @ts-expect-error values must be text even if the names are unknown
void PromptTemplate.fromTemplate(unknown).invoke({ whatever: [] })

// partial
const dated = PromptTemplate.fromTemplate('{date} {time} {q}').partial({ date: () => 'today', time: async () => 12 })
void dated.invoke({ q: 'Why?' })
void dated.invoke('Why?')
// @ts-expect-error q is missing
void dated.invoke({})
// @ts-expect-error date is filled in already
void dated.invoke({ q: 'Why?', date: 'x' })
// @ts-expect-error there is no variable c
two.partial({ c: 1 })
// @ts-expect-error there is no variable c
two.partial({ a: 1, c: 1 })
// @ts-expect-error the function must return a prompt value
two.partial({ a: () => ({}) })
void two.partial({ a: 1, b: 2 }).invoke({})
// @ts-expect-error filled in twice
two.partial({ a: 1 }).partial({ a: 2 })

// ChatPromptTemplate
const chat = ChatPromptTemplate.fromMessages([
  '{a}',
  ['system', 'You are {b}'],
  { role: 'ai', content: '{c}' },
  {
    role: 'user',
    content: [
      { type: 'text', text: '{d}' },
      { type: 'image', url: '{e}' },
      { type: 'image', data: '{photo}', mediaType: 'image/{kind}' },
      { type: 'image', data: 'aGk=', mediaType: 'image/png' },
      { type: 'reasoning', text: '{no}' },
    ],
  },
  new MessagesPlaceholder('f'),
  new MessagesPlaceholder('g', { optional: true }),
  ['placeholder', '{h}'],
  literal('{no}'),
])
expectTypeOf<Parameters<typeof chat.invoke>[0]>().toEqualTypeOf<{
  readonly a: PromptValue
  readonly b: PromptValue
  readonly c: PromptValue
  readonly d: PromptValue
  readonly e: PromptValue
  readonly photo: PromptValue
  readonly kind: PromptValue
  readonly f: readonly MessageLike[]
  readonly g?: readonly MessageLike[]
  readonly h?: readonly MessageLike[]
}>()
const values = { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', photo: 'aGk=', kind: 'png' }
void chat.invoke({ ...values, f: ['Hi', ['ai', 'Hello'], { role: 'user', content: 'x' }] })
void chat.invoke({ ...values, f: [], g: [], h: [] })
// @ts-expect-error f is missing
void chat.invoke(values)
// @ts-expect-error f is a list
void chat.invoke({ ...values, f: 'Hi' })
// @ts-expect-error a is not a list
void chat.invoke({ ...values, a: ['Hi'], f: [] })
// @ts-expect-error an unknown role
void chat.invoke({ ...values, f: [['bot', 'Hi']] })

void chat.partial({ f: [['ai', 'Hello']], a: () => 'x' }).invoke({ b: 1, c: 1, d: 1, e: 1, photo: 'aGk=', kind: 'png' })
// @ts-expect-error b is still missing
void chat.partial({ f: [], a: 'x' }).invoke({ c: 1, d: 1, e: 1, photo: 'aGk=', kind: 'png' })

const asInLangChain = ChatPromptTemplate.fromMessages([
  ['user', [{ type: 'text', text: '{a}' }]],
  new MessagesPlaceholder({ variableName: 'b' }),
  new MessagesPlaceholder({ variableName: 'c', optional: true }),
])
expectTypeOf<Parameters<typeof asInLangChain.invoke>[0]>().toEqualTypeOf<{
  readonly a: PromptValue
  readonly b: readonly MessageLike[]
  readonly c?: readonly MessageLike[]
}>()
// @ts-expect-error a part with an unknown type
ChatPromptTemplate.fromMessages([['user', [{ type: 'sound', url: '{a}' }]]])
// @ts-expect-error the name is missing
new MessagesPlaceholder({ optional: true })

// The compiler does not know the variables of a message that a function makes.
const untold = ChatPromptTemplate.fromMessages([userMessage('{a}'), '{b}'])
void untold.invoke({ a: 'x', b: 'y', h: ['Hi'] })

const history = ChatPromptTemplate.fromMessages([new MessagesPlaceholder('messages')])
void history.invoke({ messages: ['Hi'] })
void history.invoke([['user', 'Hi']])
// @ts-expect-error a string is not a list of messages
void history.invoke('Hi')

const optional = ChatPromptTemplate.fromMessages([['placeholder', '{history}'], '{question}'])
void optional.invoke({ question: 'Why?' })
void optional.invoke('Why?')
// @ts-expect-error question is missing
void optional.invoke({ history: [] })

void ChatPromptTemplate.fromTemplate('Hi').invoke({})
// @ts-expect-error animal is missing
void ChatPromptTemplate.fromTemplate('{animal}').invoke({})
// @ts-expect-error an unknown role
ChatPromptTemplate.fromMessages([['bot', 'Hi']])
// @ts-expect-error the name of a placeholder must be in braces
ChatPromptTemplate.fromMessages([['placeholder', 'history']])
// @ts-expect-error a tool message needs a toolCallId
ChatPromptTemplate.fromMessages([{ role: 'tool', content: 'x' }])

declare const some: ChatTemplate[]
void ChatPromptTemplate.fromMessages(some).invoke({ whatever: 'x', history: [['ai', 'Hi']] })

// Chat prompts in a chat prompt
const rules = ChatPromptTemplate.fromMessages([
  ['system', 'Be {mood} in {language}.'],
  ['placeholder', '{examples}'],
])
const nested = ChatPromptTemplate.fromMessages([rules, ChatPromptTemplate.fromTemplate('{q}'), '{mood}'])
expectTypeOf<Parameters<typeof nested.invoke>[0]>().toEqualTypeOf<{
  readonly mood: PromptValue
  readonly language: PromptValue
  readonly q: PromptValue
  readonly examples?: readonly MessageLike[]
}>()
void nested.invoke({ mood: 'brief', language: 'French', q: 'Why?' })
// @ts-expect-error language is missing
void nested.invoke({ mood: 'brief', q: 'Why?' })
// What a nested prompt has filled in is filled in for all, at any depth.
const inFrench = ChatPromptTemplate.fromMessages([rules.partial({ language: 'French' }), '{q} ({language})'])
void inFrench.invoke({ mood: 'brief', q: 'Why?' })
// @ts-expect-error language is filled in already
void inFrench.invoke({ mood: 'brief', q: 'Why?', language: 'Dutch' })
const deep = ChatPromptTemplate.fromMessages([inFrench.partial({ mood: 'brief' }), '{mood} {language} {z}'])
void deep.invoke({ q: 'Why?', z: 1 })
// @ts-expect-error z is missing
void deep.invoke({ q: 'Why?' })
const filled: ChatPromptTemplate<{ readonly q: PromptValue; readonly z: PromptValue }> = deep
void filled.invoke({ q: 'Why?', z: 1 })
void ChatPromptTemplate.fromMessages([filled, '{more}']).invoke({ q: 'Why?', z: 1, more: 2 })
declare const untyped: ChatPromptTemplate
void ChatPromptTemplate.fromMessages([untyped, '{more}']).invoke({ whatever: 'x', more: 2 })
const templates: ChatTemplate[] = [rules, inFrench, 'x', untyped]
void templates
// @ts-expect-error a text prompt is not a message
ChatPromptTemplate.fromMessages([joke])

// Messages
toMessages('Hi')
toMessages([['system', 'Be brief.'], 'Hi', { role: 'human', content: 'Hi' }])
// @ts-expect-error an unknown role
toMessages({ role: 'bot', content: 'Hi' })
// @ts-expect-error content is missing
toMessages({ role: 'user' })
// @ts-expect-error a tool message cannot be a pair: it needs a toolCallId
toMessages([['tool', 'x']])
