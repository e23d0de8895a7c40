// Chains of before pipe, with which ported programs go on.
export { type LanguageModel, LLMChain, type LLMChainOptions } from './llm-chain.ts'
