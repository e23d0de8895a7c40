// Retrievers: documents for a query.
export { type Document, Retriever, type RetrieverOptions } from './base.ts'
export { InMemoryRetriever, type InMemoryRetrieverOptions } from './in-memory.ts'
