/**
 * Returns the offline model's answer to an agent's prompt in the ReAct format: calls the calculator, if there is one, for a sum, repeats a
 * tool's observation as the final answer, and answers other questions itself. `undefined` for another prompt.
 */
export function reactAnswer(prompt: string, answerTo: (question: string) => string): string | undefined {
  const at = prompt.lastIndexOf('\nQuestion: ')
  const [, question, scratchpad] = /^\nQuestion: ([\s\S]*?)\nThought:([\s\S]*)$/.exec(prompt.slice(Math.max(at, 0))) ?? []
  if (question === undefined || scratchpad === undefined || !prompt.includes('\nAction Input:')) return
  const observed = /\nObservation: ([^\n]*)\nThought:$/.exec(scratchpad)?.[1]
  if (observed !== undefined) return ` I know the answer now.\nFinal Answer: ${observed.replace(/^Answer: /, '')}`
  // The prompt asks for the final answer at once.
  if (scratchpad.endsWith('Final Answer:')) return ` ${answerTo(question)}`
  const sum = findExpression(question)
  const hasCalculator = /^Action:.*\bCalculator\b/m.test(prompt)
  if (sum && hasCalculator) return ` I have to work this out.\nAction: Calculator\nAction Input: ${sum}`
  return ` I can say that myself.\nFinal Answer: ${answerTo(question)}`
}

/** Returns the answer to a prompt that asks for a question as an expression in a fenced block of text. `undefined` for another prompt. */
export function expressionAnswer(prompt: string): string | undefined {
  const [, question] = /```output[\s\S]*\nQuestion: ([^\n]*)\n$/.exec(prompt) ?? []
  if (question === undefined) return
  return `\`\`\`text\n${findExpression(question) ?? question}\n\`\`\``
}

const operatorWords: readonly (readonly [word: RegExp, sign: string])[] = [
  [/ (?:raised )?to the power of /g, ' ^ '],
  [/ raised to the ([\d.]+)(?:st|nd|rd|th)? power\b/g, ' ^ $1'],
  [/ (?:plus) /g, ' + '],
  [/ (?:minus) /g, ' - '],
  [/ (?:times|multiplied by) /g, ' * '],
  [/ (?:divided by|over) /g, ' / '],
  [/ squared\b/g, ' ^ 2'],
]

/** Returns the sum in a question as an expression. */
function findExpression(question: string): string | undefined {
  const text = operatorWords.reduce((rest, [word, sign]) => rest.replace(word, sign), question)
  return /[\d(][\d+\-*/^().\s]*[\d)]/.exec(text)?.[0].match(/.*[-+*/^].*/)?.[0]
}
