import { type LanguageModel, LLMChain } from '../chains/llm-chain.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunContext } from '../core/event.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { lambda } from '../core/runnable/lambda.ts'
import { withoutThinking } from '../parsers/thinking.ts'
import { PromptTemplate } from '../prompts/prompt-template.ts'
import { evaluateExpression } from './calculator.ts'
import { type Tool, tool } from './tool.ts'

const mathPromptTemplate = `Write the question below as one expression for a calculator, in a fenced block of text. Do not work it out yourself: the calculator does, and its result follows as output.

The calculator has + - * /, ^ for powers, parentheses, pi, e and functions: sqrt, exp, ln, log(x, base), sin, cos, tan (radians), abs, floor, ceil, round(x, decimals), min, max, mod. It has no variables, no units and no %.

Question: A square has an area of 40 and a circle has the same. What is the radius of the circle?
\`\`\`text
sqrt(40 / pi)
\`\`\`
\`\`\`output
3.5682482323055424
\`\`\`
Answer: 3.5682482323055424

Question: {question}
`

/**
 * A tool that answers arithmetic questions with the help of a model (LangChain's llm-math). The model translates the question to an
 * expression, which {@link arithmetic} evaluates; no code that the model wrote is run. Input: a question. Output: `Answer: 42`.
 *
 * Its runs are Calculator, LLMMathChain, LLMChain and the model. The question, the model's answer and the result are `text` events.
 *
 * @throws ChaintapError `invalid_input` in a run whose model answers with neither an expression nor a result; `invalid_arguments` if the
 *   expression has no value.
 *
 * @example
 * const math = llmMath(new OpenAI({ apiKey, temperature: 0 }))
 * await math.invoke('What is 2 raised to the 0.235 power?') // 'Answer: 1.1769067372187674'
 */
export function llmMath(llm: LanguageModel, own: OwnOptions = {}): Tool<string, string> {
  const chain = new LLMChain({ llm, prompt: PromptTemplate.fromTemplate(mathPromptTemplate) })
  const answerQuestion = async (question: string, context: RunContext): Promise<string> => {
    await context.emit({ type: 'text', text: question })
    const answer = withoutThinking(await chain.run({ question, stop: ['```output'] }, context))
    await context.emit({ type: 'text', text: answer })
    const expression = /```(?:text)?\s*(.*?)(?:```|$)/s.exec(answer)?.[1]
    if (expression === undefined) return extractMathAnswer(answer)
    const value = String(evaluateExpression(expression))
    await context.emit({ type: 'text', text: '\nAnswer: ' })
    await context.emit({ type: 'text', text: value })
    return `Answer: ${value}`
  }
  const math = lambda(answerQuestion, { name: 'LLMMathChain' })
  return tool(() => math, {
    ...own,
    name: 'Calculator',
    description: 'Answers an arithmetic question, given in words or as an expression.',
  })
}

/** The result, if the model did the arithmetic itself. */
function extractMathAnswer(answer: string): string {
  const at = answer.lastIndexOf('Answer:')
  if (at !== -1) return answer.slice(at).trim()
  throw new ChaintapError(
    'invalid_input',
    'llmMath: the model answered with neither an expression in a code fence nor "Answer:". Retry, or pass an expression.',
  )
}
