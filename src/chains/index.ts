// Chains of before pipe, with which ported programs go on.
export { type LanguageModel, LLMChain, type LLMChainInput, type LLMChainOptions, type LLMChainOutput } from './llm-chain.ts'
