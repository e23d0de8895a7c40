export { type ChatRequest, ChatTransport, type ChatTransportOptions } from './chat-transport.ts'
export { fromUIMessages, type UIMessageLike, type UIPartLike } from './messages.ts'
export type { FinishReason, UIJsonValue, UIMessagePart } from './part.ts'
