import { type LanguageModel, LLMChain } from '../chains/llm-chain.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunContext } from '../core/event.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { lambda } from '../core/runnable/lambda.ts'
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
 * A tool that answers questions of arithmetic with a model's help (LangChain's llm-math): a second call of the model puts the question
 * as an expression, which {@link arithmetic} works out; no code of the model is run. A question in, `Answer: 42` out.
 *
 * Its runs: Calculator, LLMMathChain, LLMChain, the model. The question, what the model said and the result are `text` events.
 *
 * @throws ChaintapError `invalid_input` in a run where the model gave neither an expression nor an answer; `invalid_arguments` where
 *   the expression has no value.
 *
 * @example
 * const calculator = llmMath(new OpenAI({ apiKey, temperature: 0 }))
 * await calculator.invoke('What is 2 raised to the 0.235 power?') // 'Answer: 1.1769067372187674'
 */
export function llmMath(llm: LanguageModel, own: OwnOptions = {}): Tool<string, string> {
  const chain = new LLMChain({ llm, prompt: PromptTemplate.fromTemplate(mathPromptTemplate) })
  const ask = async (question: string, context: RunContext): Promise<string> => {
    await context.emit({ type: 'text', text: question })
    const said = await chain.run({ question, stop: ['```output'] }, context)
    await context.emit({ type: 'text', text: said })
    const expression = /```(?:text)?\s*(.*?)(?:```|$)/s.exec(said)?.[1]
    if (expression === undefined) return extractMathAnswer(said)
    const value = String(evaluateExpression(expression))
    await context.emit({ type: 'text', text: '\nAnswer: ' })
    await context.emit({ type: 'text', text: value })
    return `Answer: ${value}`
  }
  const math = lambda(ask, { name: 'LLMMathChain' })
  return tool(() => math, {
    ...own,
    name: 'Calculator',
    description: 'Answers questions of arithmetic: put one in, in words or as an expression.',
  })
}

/** A model that did not leave it to the calculator. */
function extractMathAnswer(said: string): string {
  const at = said.lastIndexOf('Answer:')
  if (at !== -1) return said.slice(at).trim()
  throw new ChaintapError(
    'invalid_input',
    'The model gave neither an expression in a fenced block nor an answer. Ask again, or put the question as an expression.',
  )
}
