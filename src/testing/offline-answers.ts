import { type ArithmeticResult, arithmetic } from '../arithmetic/index.ts'
import { expressionAnswer, reactAnswer } from './offline-react.ts'

/** The rest of a longer question is ignored. */
const MAX_QUESTION_CHARS = 2_000

/** Returns the offline model's answer to a question, or to the prompt of an agent. */
export function offlineAnswer(question: string): string {
  const plainAnswer = (text: string): string => jokeAnswer(text) ?? sumAnswer(text) ?? greetingAnswer(text) ?? offlineIntroduction
  return expressionAnswer(question) ?? reactAnswer(question, plainAnswer) ?? plainAnswer(question.slice(0, MAX_QUESTION_CHARS))
}

/** Splits text into tokens: words and signs, each with the space before it. Joined they are the text. */
export function splitTokens(text: string): string[] {
  return text.match(/\s*(?:[\p{L}\p{M}\p{N}'’]+(?:[.,]\p{N}+)*|\S)|\s+/gu) ?? []
}

const offlineIntroduction =
  'I am the offline model: I work out sums, greet, and tell a joke about an animal. ' +
  'To talk to a real model, write ANTHROPIC_API_KEY=… into .dev.vars and start again.'

const greetingAnswer = (question: string): string | undefined =>
  /^\s*(?:hi|hello|hey|good (?:morning|day|afternoon|evening))(?![\p{L}\p{N}])/iu.test(question)
    ? 'Hello! I am the offline model. Ask me a sum, such as 17 + 4 * 2, or a joke about bears.'
    : undefined

function jokeAnswer(question: string): string | undefined {
  if (!/\bjoke\b/i.test(question)) return
  const named = /\bjoke\s+about\s+(.{1,80})/iu.exec(question)?.[1] ?? 'bears'
  // Returned unescaped: the page must render it safely.
  const animal = named.replace(/^(?:an?|the|some)\s+/i, '').replace(/[\s.!?]+$/, '')
  if (/^(?:\w+\s)?bears?$/i.test(animal)) return 'What do you call a bear with no teeth? A gummy bear.'
  return `Why did the bear invite ${animal} to dinner? It could not bear to eat alone.`
}

/** Calculates the first sum in a text. Ignores text that only resembles one. */
function sumAnswer(question: string): string | undefined {
  for (const { 0: found, index } of question.matchAll(/[\d+\-*/^().,×·÷− \t]+/g)) {
    const sum = found.replace(/^[ \t,.]*[ \t]/, '').replace(/[ \t,.]+$/, '')
    const next = question[index + found.length] ?? ''
    const isPartOfWord = wordCharPattern.test(question[index - 1] ?? '') && found.startsWith(sum)
    if (isPartOfWord || (wordCharPattern.test(next) && found.endsWith(sum)) || !/[\d)]\s*[-+*/^×·÷−]/.test(sum)) continue
    const answer = describeSum(sum.replace(/\s+/g, ' '), arithmetic(sum))
    if (answer) return answer
  }
}

const wordCharPattern: RegExp = /[\p{L}\p{N}_%]/u

function describeSum(sum: string, result: ArithmeticResult): string | undefined {
  // 12 digits, so that 0.1 + 0.2 is 0.3.
  if ('value' in result) return `${sum} = ${Number(result.value.toPrecision(12))}.`
  switch (result.problem) {
    case 'syntax':
    case 'unknown name':
      return
    case 'division by zero':
      return `${sum} has no answer: nothing can be divided by zero.`
    case 'no real value':
      return `${sum} has no answer among the real numbers.`
    case 'too large':
      return `${sum} is larger than I can count.`
    case 'too long':
    case 'too deep':
      return 'That sum is too long for me. Ask for a part of it.'
  }
}
