export type { LangChainHandler, LangChainMethod, LangChainMethodName } from '../../core/handler/langchain.ts'
export { fromLangChain } from './from-langchain.ts'
export { type LangChainCallback, type LangChainCallbacks, toLangChain } from './to-langchain.ts'
