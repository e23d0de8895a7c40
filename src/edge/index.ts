export { type Context, type ResponseOptions, toResponse } from './response.ts'
export { type ServeOptions, serve } from './serve.ts'
