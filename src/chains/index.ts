// Chains for programs ported from LangChain. New programs use pipe().
export { type LanguageModel, LLMChain, type LLMChainInput, type LLMChainOptions, type LLMChainOutput } from './llm-chain.ts'
